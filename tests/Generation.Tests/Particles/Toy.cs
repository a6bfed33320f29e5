namespace Hindsight.Generation.Tests;

/// <summary>A language model and a reward model so small that everything about them can be summed up. A text is a string, a step a character.</summary>
internal sealed class Toy(Func<string, IEnumerable<(char Step, double Probability)>> next, Func<char, double> score, Func<string, bool> isFinished)
{
    /// <summary>A Markov chain of two states over a fixed number of steps.</summary>
    public static Toy Chain(int steps) => new(
        text => text.Length == 0 ? [('0', 0.6), ('1', 0.4)] : text[^1] == '0' ? [('0', 0.7), ('1', 0.3)] : [('0', 0.2), ('1', 0.8)],
        step => step == '0' ? 0.2 : 0.9,
        text => text.Length == steps);

    /// <summary>Answers of one to three steps that end with a $.</summary>
    public static Toy Words { get; } = new(
        text => text.Length == 2 ? [('$', 1)]
            : text.Length == 0 ? [('a', 0.5), ('b', 0.3), ('$', 0.2)]
            : text[^1] == 'a' ? [('a', 0.4), ('b', 0.3), ('$', 0.3)] : [('a', 0.2), ('b', 0.4), ('$', 0.4)],
        step => step switch { 'a' => 0.6, 'b' => 0.3, _ => 0.8 },
        text => text[^1] == '$');

    /// <summary>A guess of the next step's score, right in no case.</summary>
    public Func<string, double>? LookAhead { get; init; }

    public IEnumerable<(char Step, double Probability)> Next(string text) => next(text);

    public StepOutcome Outcome(string text) => new(score(text[^1]), isFinished(text), LookAhead?.Invoke(text));

    public IReadOnlyList<StepOutcome> Path(string text) => [.. Enumerable.Range(1, text.Length).Select(length => Outcome(text[..length]))];

    /// <summary>All answers with their probabilities.</summary>
    public Dictionary<string, double> Prior()
    {
        var prior = new Dictionary<string, double>();
        void Extend(string text, double probability)
        {
            if (text.Length > 0 && isFinished(text))
            {
                prior[text] = probability;
                return;
            }

            foreach (var (step, share) in next(text))
            {
                Extend(text + step, probability * share);
            }
        }

        Extend("", 1);
        return prior;
    }

    /// <summary>The prior times the weight of each answer, normalised, and the sum that normalises it.</summary>
    public (Dictionary<string, double> Posterior, double Evidence) Posterior(Func<string, double>? weight = null)
    {
        weight ??= text => text.Aggregate(1.0, (product, step) => product * score(step));
        var prior = Prior();
        var evidence = prior.Sum(answer => answer.Value * weight(answer.Key));
        return (prior.ToDictionary(answer => answer.Key, answer => answer.Value * weight(answer.Key) / evidence), evidence);
    }

    /// <summary>Drives a filter to its end, steps being drawn as <paramref name="uniform"/> of (slot, epoch, position) says.</summary>
    public string[] Drive(ParticleFilter filter, Func<int, int, int, double> uniform, string? reference = null)
    {
        var texts = new string[filter.Slots];
        Array.Fill(texts, "");
        while (!filter.IsFinished)
        {
            Round(filter, texts, uniform, reference);
        }

        return texts;
    }

    public void Round(ParticleFilter filter, string[] texts, Func<int, int, int, double> uniform, string? reference = null)
    {
        var outcomes = new StepOutcome[filter.Slots];
        for (var slot = 0; slot < outcomes.Length; slot++)
        {
            if (filter.IsExtended(slot))
            {
                texts[slot] += Draw(texts[slot], uniform(slot, filter.Epoch, texts[slot].Length));
                outcomes[slot] = Outcome(texts[slot]);
            }
        }

        if (reference is not null)
        {
            texts[0] = reference[..Math.Min(filter.Round + 1, reference.Length)];
        }

        string[] before = [.. texts];
        var ancestors = filter.Advance(outcomes);
        for (var slot = 0; slot < texts.Length; slot++)
        {
            texts[slot] = before[ancestors[slot]];
        }
    }

    private char Draw(string text, double uniform)
    {
        var last = ' ';
        foreach (var (step, probability) in next(text))
        {
            last = step;
            uniform -= probability;
            if (uniform < 0)
            {
                break;
            }
        }

        return last;
    }
}
