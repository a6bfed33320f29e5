using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Generation.Tests;

public class ResamplingTests
{
    /// <summary>Weights with zeros among them, normalised.</summary>
    private static readonly Gen<double[]> Weights =
        from size in Gen.Choose(1, 12)
        from raw in Gen.OneOf(Gen.Constant(0), Gen.Choose(0, 1000)).ArrayOf(size)
        let sum = raw.Sum()
        select sum == 0 ? [1.0] : raw.Select(weight => weight / (double)sum).ToArray();

    [Theory]
    [InlineData(new[] { .1, .2, .3, .4 }, .5, new[] { 1, 2, 3, 3 })]
    [InlineData(new[] { .1, .2, .3, .4 }, .05, new[] { 0, 1, 2, 3 })]
    [InlineData(new[] { .7, .1, .1, .1 }, .9, new[] { 0, 0, 1, 3 })]
    public void Systematic_resampling_gives_the_worked_examples(double[] weights, double uniform, int[] expected) =>
        Assert.Equal(expected, Listed(Resampling.Offspring(ResamplingScheme.Systematic, weights, 4, _ => uniform)));

    [Fact]
    public void Systematic_resampling_compares_strictly() =>
        Assert.Equal([0, 0, 1, 1], Listed(Resampling.Offspring(ResamplingScheme.Systematic, [.5, .5], 4, _ => 0)));

    [Fact]
    public void A_number_just_below_one_finds_the_last_particle_that_has_weight()
    {
        // Ten times a tenth adds up to less than 1.
        double[] weights = [.. Enumerable.Repeat(0.1, 10), 0, 0];
        foreach (var scheme in Enum.GetValues<ResamplingScheme>())
        {
            var offspring = Resampling.Offspring(scheme, weights, 10, _ => 1 - (1.0 / (1L << 53)));
            Assert.Equal(10, offspring.Sum());
            Assert.Equal([0, 0], offspring[10..]);
        }

        Assert.Equal(9, Resampling.Categorical(weights, 1 - (1.0 / (1L << 53))));
    }

    [Fact]
    public void Every_scheme_hands_out_all_offspring_and_none_without_weight() => Prop.ForAll(
        (from weights in Weights
         from draws in Gen.Choose(1, 30)
         from seed in Gen.Choose(0, int.MaxValue)
         from scheme in Gen.Elements(Enum.GetValues<ResamplingScheme>())
         select (weights, draws, seed, scheme)).ToArbitrary(),
        row =>
        {
            var numbers = Numbers(row.seed, row.draws);
            var offspring = Resampling.Offspring(row.scheme, row.weights, row.draws, draw => numbers[draw]);
            var shares = row.weights.Select(weight => weight * row.draws).ToArray();
            return offspring.Sum() == row.draws
                && offspring.Zip(row.weights).All(one => one.Second > 0 || one.First == 0)
                && (row.scheme != ResamplingScheme.Systematic || offspring.Zip(shares).All(one => Math.Abs(one.First - one.Second) < 1 + 1e-9))
                && (row.scheme != ResamplingScheme.Stratified || offspring.Zip(shares).All(one => Math.Abs(one.First - one.Second) < 2 + 1e-9))
                && (row.scheme != ResamplingScheme.Residual || offspring.Zip(shares).All(one => one.First >= Math.Floor(one.Second)));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Theory]
    [InlineData(ResamplingScheme.Systematic)]
    [InlineData(ResamplingScheme.Stratified)]
    [InlineData(ResamplingScheme.Residual)]
    [InlineData(ResamplingScheme.Multinomial)]
    public void A_particle_has_its_share_of_offspring_on_average(ResamplingScheme scheme)
    {
        const int Runs = 40_000;
        double[] weights = [.05, 0, .31, .27, .37];
        var sums = new double[5];
        var random = new Random(7);
        for (var run = 0; run < Runs; run++)
        {
            double[] numbers = [.. Enumerable.Range(0, 7).Select(_ => random.NextDouble())];
            var offspring = Resampling.Offspring(scheme, weights, 7, draw => numbers[draw]);
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i] += offspring[i];
            }
        }

        // Independent draws have the largest variance, n W (1 − W).
        Assert.All(sums.Zip(weights), one => Assert.InRange(
            Math.Abs((one.First / Runs) - (7 * one.Second)), 0, 4 * Math.Sqrt(7 * one.Second * (1 - one.Second) / Runs)));
    }

    [Fact]
    public void Whoever_has_offspring_keeps_its_slot() => Prop.ForAll(
        (from weights in Weights
         from seed in Gen.Choose(0, int.MaxValue)
         select (weights, seed)).ToArbitrary(),
        row =>
        {
            var numbers = Numbers(row.seed, row.weights.Length);
            var offspring = Resampling.Offspring(ResamplingScheme.Multinomial, row.weights, row.weights.Length, draw => numbers[draw]);
            var ancestors = Resampling.Ancestors(offspring);
            return Listed(offspring).SequenceEqual(ancestors.Order())
                && offspring.Select((count, slot) => count == 0 || ancestors[slot] == slot).All(holds => holds);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void A_reference_keeps_its_slot() => Prop.ForAll(
        (from weights in Weights.Where(weights => weights[0] > 0)
         from seed in Gen.Choose(0, int.MaxValue)
         from scheme in Gen.Elements(ResamplingScheme.Systematic, ResamplingScheme.Multinomial)
         select (weights, seed, scheme)).ToArbitrary(),
        row =>
        {
            var numbers = Numbers(row.seed, row.weights.Length);
            var ancestors = Resampling.ConditionalAncestors(row.scheme, row.weights, draw => numbers[draw]);
            return ancestors[0] == 0 && ancestors.Length == row.weights.Length && ancestors.All(ancestor => row.weights[ancestor] > 0);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static int[] Listed(int[] offspring) => [.. offspring.SelectMany((count, slot) => Enumerable.Repeat(slot, count))];

    private static double[] Numbers(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextDouble())];
    }
}
