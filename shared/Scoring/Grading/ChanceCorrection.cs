using System.Globalization;

namespace Hindsight.Scoring;

/// <summary>Accuracy above guessing in multiple choice: (a − 1/m) / (1 − 1/m), 0 for guessing among m options and 1 for all correct.</summary>
public static class ChanceCorrection
{
    /// <summary>One problem's corrected accuracy, from −1/(m − 1) to 1; its mean over problems is the suite's.</summary>
    /// <param name="accuracy">The share of correct answers, or an estimate of it, in [0, 1].</param>
    /// <param name="options">The problem's own number of options m, at least 2.</param>
    /// <exception cref="InvalidDataException">There are fewer than two options.</exception>
    public static double Corrected(double accuracy, int options)
    {
        if (options < 2)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture, $"A multiple-choice problem has {options} options: chance can be corrected for from 2 options on."));
        }

        return (accuracy - (1.0 / options)) / (1 - (1.0 / options));
    }
}
