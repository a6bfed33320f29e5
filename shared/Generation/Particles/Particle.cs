namespace Hindsight.Generation;

/// <summary>A prefix as its last step and the prefix before it, which copies share.</summary>
/// <param name="Parent">Null for the first step.</param>
/// <param name="Score">The prefix's score.</param>
/// <param name="LogPotential">ln G of the last step.</param>
/// <param name="LogLookAhead">ln G that the next step would have if it scored as its look-ahead says; 0 without one.</param>
internal sealed record Particle(Particle? Parent, StepOutcome Outcome, double Score, double LogPotential, double LogLookAhead)
{
    /// <summary>Any positive number is a valid look-ahead; zero would lose particles that still have weight.</summary>
    private const double LeastLookAhead = 1e-7;

    public static Particle Extend(Particle? parent, StepOutcome outcome, Potential potential)
    {
        if (outcome.IsFailed)
        {
            return new Particle(parent, outcome, 0, double.NegativeInfinity, 0);
        }

        var score = potential.Score.After(parent?.Score, outcome.Score);
        var lookAhead = outcome is { LookAhead: { } guess, IsFinished: false }
            ? Math.Max(potential.LogIncrement(score, potential.Score.After(score, guess)), Math.Log(LeastLookAhead))
            : 0;
        return new Particle(parent, outcome, score, potential.LogIncrement(parent?.Score, score), lookAhead);
    }

    public static Particle[] Path(IReadOnlyList<StepOutcome> outcomes, Potential potential)
    {
        var path = new Particle[outcomes.Count];
        for (var i = 0; i < path.Length; i++)
        {
            path[i] = Extend(i == 0 ? null : path[i - 1], outcomes[i], potential);
        }

        return path;
    }

    public IReadOnlyList<StepOutcome> Outcomes()
    {
        var outcomes = new List<StepOutcome>();
        for (var particle = this; particle is not null; particle = particle.Parent)
        {
            outcomes.Add(particle.Outcome);
        }

        outcomes.Reverse();
        return outcomes;
    }
}
