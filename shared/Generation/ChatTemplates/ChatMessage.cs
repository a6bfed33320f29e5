namespace Hindsight.Generation;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role">"system", "user", "assistant" or what else the model's template knows.</param>
public sealed record ChatMessage(string Role, string Content);
