namespace Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public abstract class BindingAttribute : Attribute;

public abstract class TriggerBindingAttribute : BindingAttribute;
