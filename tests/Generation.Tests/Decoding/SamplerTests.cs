using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Generation.Tests;

public class SamplerTests
{
    [Fact]
    public void Philox_gives_the_published_numbers()
    {
        // The known answers that come with the authors' own implementation (Random123, kat_vectors).
        Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), RandomStream.Philox((0, 0, 0, 0), (0, 0)));
        Assert.Equal(
            (0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu),
            RandomStream.Philox((uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue), (uint.MaxValue, uint.MaxValue)));
        Assert.Equal(
            (0xd16cfe09u, 0x94fdcceb, 0x5001e420u, 0x24126ea1u),
            RandomStream.Philox((0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344), (0xa4093822, 0x299f31d0)));
    }

    [Fact]
    public void Random_numbers_differ_in_seed_prompt_sample_and_position_and_are_uniform()
    {
        double[] numbers =
        [
            .. from seed in new ulong[] { 0, 1 }
               from prompt in new int[][] { [1], [1, 2], [2, 1] }
               from sample in Enumerable.Range(0, 40)
               from position in Enumerable.Range(0, 50)
               select new RandomStream(seed, prompt).OfSample(sample).At(position),
        ];
        Assert.All(numbers, number => Assert.InRange(number, 0, 1 - double.Epsilon));
        Assert.Equal(numbers.Length, numbers.Distinct().Count());

        // Chi-square over 20 equal parts: 19 degrees of freedom, above 43.8 once in a thousand.
        var expected = numbers.Length / 20.0;
        var chiSquare = numbers.GroupBy(number => (int)(number * 20)).Sum(part => Math.Pow(part.Count() - expected, 2) / expected);
        Assert.InRange(chiSquare, 0, 43.8);
    }

    [Fact]
    public void A_draw_is_the_one_that_a_plain_sampler_makes()
    {
        var cases =
            from size in Gen.OneOf(Gen.Choose(1, 80), Gen.Choose(900, 3000))
            from seed in Gen.Choose(0, int.MaxValue)
            from spread in Gen.Elements(0.0, 0.5, 3, 12)
            from coarse in Gen.Elements(true, false)
            from temperature in Gen.Elements(0, 0.01, 0.6, 1, 1.7)
            from topK in Gen.Elements(0, 1, 2, 7, 50, 5000)
            from topP in Gen.Elements(1, 0.999, 0.95, 0.5, 1e-6)
            select (size, seed, spread, coarse, new Decoding { Temperature = temperature, TopK = topK, TopP = topP });
        Prop.ForAll(cases.ToArbitrary(), row =>
        {
            var (size, seed, spread, coarse, decoding) = row;
            var random = new Random(seed);
            var logits = Logits(random, size, spread, coarse);
            var sampler = new Sampler(size);
            // Where p is reached just so, rounding says which of two sets it is; either is right. The sampler's sums are of floats.
            double[][] distributions = [Distribution(logits, decoding, -1e-6), Distribution(logits, decoding, 1e-6)];
            for (var draw = 0; draw < 5; draw++)
            {
                var uniform = random.NextDouble();
                var (id, logProbability) = sampler.Draw(logits, decoding, uniform);
                Assert.Equal(LogProbability(logits, id), logProbability, 1e-5);

                // The sampler sums in float within blocks, so next to a step of the cumulative distribution it may take the other side.
                Assert.Contains(distributions, distribution =>
                    distribution[id] > 0
                    && uniform >= distribution.Take(id).Sum() - 1e-5
                    && uniform <= distribution.Take(id + 1).Sum() + 1e-5);
            }
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(0.7, 0, 0.9)]
    [InlineData(1.3, 6, 1)]
    [InlineData(1, 10, 0.8)]
    public void Draws_have_the_exact_probabilities(double temperature, int topK, double topP)
    {
        const int Draws = 40_000;
        var decoding = new Decoding { Temperature = temperature, TopK = topK, TopP = topP };
        var logits = Logits(new Random(3), 16, 1.5, coarse: false);
        var stream = new RandomStream(7, [1, 2, 3]);
        var sampler = new Sampler(logits.Length);
        var counts = new int[logits.Length];
        for (var sample = 0; sample < Draws; sample++)
        {
            counts[sampler.Draw(logits, decoding, stream.OfSample(sample).At(0)).Id]++;
        }

        var distribution = Distribution(logits, decoding);
        var kept = distribution.Count(probability => probability > 0);
        var chiSquare = counts.Zip(distribution).Where(pair => pair.Second > 0)
            .Sum(pair => Math.Pow(pair.First - (Draws * pair.Second), 2) / (Draws * pair.Second));
        Assert.Equal(0, counts.Zip(distribution).Where(pair => pair.Second == 0).Sum(pair => pair.First));
        // Far in the tail: mean kept - 1, variance twice that.
        Assert.InRange(chiSquare, 0, kept - 1 + (5 * Math.Sqrt(2.0 * Math.Max(1, kept - 1))));
    }

    [Fact]
    public void Greedy_takes_the_lowest_id_of_the_most_probable()
    {
        for (var size = 1; size < 300; size += 7)
        {
            var logits = Logits(new Random(size), size, 1, coarse: true);
            Assert.Equal(Array.IndexOf(logits, logits.Max()), new Sampler(size).Draw(logits, new Decoding(), 0.9).Id);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Logits_that_are_not_finite_are_refused(float bad) =>
        Assert.Throws<InvalidDataException>(() => new Sampler(3).Draw([0, bad, 1], new Decoding { Temperature = 1 }, 0.5));

    [Fact]
    public void An_impossible_token_is_never_drawn() =>
        Assert.All(
            new[] { 0, 0.3, 0.6, 1 - 1e-16 },
            uniform => Assert.Equal(1, new Sampler(3).Draw([float.NegativeInfinity, 2, float.NegativeInfinity], new Decoding { Temperature = 1, TopP = 0.9 }, uniform).Id));

    /// <summary>The truncated, renormalised distribution, by sorting everything, in double.</summary>
    private static double[] Distribution(float[] logits, Decoding decoding, double slack = 0)
    {
        var order = Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).ThenBy(id => id).ToArray();
        if (decoding.IsGreedy)
        {
            return [.. logits.Select((_, id) => id == order[0] ? 1.0 : 0)];
        }

        var max = logits.Max();
        var probabilities = logits.Select(logit => Math.Exp((logit - (double)max) / decoding.Temperature)).ToArray();
        Renormalise(probabilities);
        if (decoding.TopK > 0)
        {
            foreach (var id in order.Skip(decoding.TopK))
            {
                probabilities[id] = 0;
            }

            Renormalise(probabilities);
        }

        var reached = 0.0;
        foreach (var id in order)
        {
            var enough = reached >= decoding.TopP + slack;
            reached += probabilities[id];
            probabilities[id] = enough ? 0 : probabilities[id];
        }

        Renormalise(probabilities);
        return probabilities;
    }

    private static void Renormalise(double[] probabilities)
    {
        var sum = probabilities.Sum();
        for (var i = 0; i < probabilities.Length; i++)
        {
            probabilities[i] /= sum;
        }
    }

    private static double LogProbability(float[] logits, int id) =>
        logits[id] - logits.Max() - Math.Log(logits.Sum(logit => Math.Exp(logit - (double)logits.Max())));

    private static float[] Logits(Random random, int size, double spread, bool coarse) =>
        [.. Enumerable.Range(0, size).Select(_ => (float)(spread * (coarse ? random.Next(-3, 4) : (2 * random.NextDouble()) - 1)))];
}
