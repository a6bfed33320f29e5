using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Models.Tests.Checkpoints;

public class ElementWiseTests
{
    [Fact]
    public void Every_bfloat16_is_widened_to_the_float32_of_the_same_upper_half()
    {
        var all = Enumerable.Range(0, 65_536).Select(bits => (ushort)bits).ToArray();
        foreach (var length in new[] { 1, 7, 31, 65_536 })
        {
            var widened = new float[length];
            ElementWise.Widen(all.AsSpan(0, length), widened);
            Assert.All(widened.Index(), value => Assert.Equal((uint)value.Index << 16, BitConverter.SingleToUInt32Bits(value.Item)));
        }
    }

    [Fact]
    public void Every_finite_bfloat16_survives_widening_and_narrowing()
    {
        var finite = Enumerable.Range(0, 65_536).Select(bits => (ushort)bits).Where(bits => (bits & 0x7F80) != 0x7F80).ToArray();
        var (widened, narrowed) = (new float[finite.Length], new ushort[finite.Length]);
        ElementWise.Widen(finite, widened);
        ElementWise.Narrow(widened, narrowed);

        Assert.Equal(finite, narrowed);
    }

    [Fact]
    public void Narrowing_takes_the_nearest_bfloat16_and_of_two_equally_near_the_even_one()
    {
        var random = new Random(3);
        var values = Enumerable.Range(0, 100_001).Select(index =>
        {
            var bits = (uint)random.NextInt64(1L << 32);
            // Every other value is a tie, or next to one.
            return BitConverter.UInt32BitsToSingle(index % 2 == 0 ? bits : (bits & 0xFFFF_0000) + 0x8000u + (uint)random.Next(-1, 2));
        }).Where(value => Math.Abs(value) < 3e38f).ToArray();
        var narrowed = new ushort[values.Length];
        ElementWise.Narrow(values, narrowed);

        for (var index = 0; index < values.Length; index++)
        {
            var below = (ushort)(BitConverter.SingleToUInt32Bits(values[index]) >> 16);
            var above = (ushort)(below + 1);
            double Distance(ushort bits) => Math.Abs((double)BitConverter.UInt32BitsToSingle((uint)bits << 16) - values[index]);
            var expected = Distance(below) < Distance(above) || (Distance(below) == Distance(above) && below % 2 == 0) ? below : above;
            Assert.Equal(expected, narrowed[index]);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_value_that_is_not_finite_is_found_at_every_place(float value)
    {
        for (var length = 0; length < 40; length++)
        {
            var values = Enumerable.Repeat(float.MaxValue, length).ToArray();
            Assert.True(ElementWise.AllFinite(values));
            for (var at = 0; at < length; at++)
            {
                values[at] = value;
                Assert.False(ElementWise.AllFinite(values));
                values[at] = float.MinValue;
            }
        }
    }

    [Fact]
    public void Interpolation_is_within_its_roundings_of_the_exact_value()
    {
        var random = new Random(5);
        float Weight() => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-6, 3)));
        for (var round = 0; round < 200; round++)
        {
            var length = random.Next(1, 70);
            var (early, late, target) = (new float[length], new float[length], new float[length]);
            for (var index = 0; index < length; index++)
            {
                (early[index], late[index]) = (Weight(), Weight());
            }

            var earlyWeight = random.NextDouble();
            ElementWise.Interpolate(early, late, earlyWeight, target);

            for (var index = 0; index < length; index++)
            {
                var exact = (earlyWeight * early[index]) + ((1 - earlyWeight) * late[index]);
                // One rounding each of the factor, the product and the sum: three times half a unit in the last place.
                var bound = 3.01 * Math.Pow(2, -24) * ((earlyWeight * Math.Abs(early[index])) + ((1 - earlyWeight) * Math.Abs(late[index])));
                Assert.InRange(target[index], exact - bound - 1e-44, exact + bound + 1e-44);
            }
        }
    }

    [Fact]
    public void Interpolating_half_way_is_the_same_in_both_directions()
    {
        var values = Gen.Choose(-1_000_000, 1_000_000).Select(number => number / 7f).NonEmptyListOf().Select(list => list.ToArray());
        Prop.ForAll(Arb.From(Gen.Zip(values, values)), pair =>
        {
            var length = Math.Min(pair.Item1.Length, pair.Item2.Length);
            var (forth, back) = (new float[length], new float[length]);
            ElementWise.Interpolate(pair.Item1, pair.Item2, 0.5, forth);
            ElementWise.Interpolate(pair.Item2, pair.Item1, 0.5, back);
            return forth.AsSpan().SequenceEqual(back);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Interpolating_bfloat16_is_widening_and_interpolating()
    {
        var random = new Random(11);
        for (var length = 0; length < 70; length++)
        {
            ushort[] Weights() => [.. Enumerable.Range(0, length).Select(_ => (ushort)((random.Next(1 << 16) & 0xBFFF) | random.Next(2)))];
            var (early, late) = (Weights(), Weights());
            var (wideEarly, wideLate, expected, target) = (new float[length], new float[length], new float[length], new float[length]);
            ElementWise.Widen(early, wideEarly);
            ElementWise.Widen(late, wideLate);
            var earlyWeight = random.NextDouble();

            Assert.Equal(ElementWise.Interpolate(wideEarly, wideLate, earlyWeight, expected), ElementWise.Interpolate(early, late, earlyWeight, target));
            Assert.Equal(expected.Select(BitConverter.SingleToUInt32Bits), target.Select(BitConverter.SingleToUInt32Bits));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_weight_that_is_not_finite_shows_in_the_interpolation_at_every_place(float value)
    {
        for (var length = 1; length < 40; length++)
        {
            var (sound, damaged, target) = (Enumerable.Repeat(-1.5f, length).ToArray(), Enumerable.Repeat(2f, length).ToArray(), new float[length]);
            var (narrowSound, narrowDamaged) = (new ushort[length], new ushort[length]);
            ElementWise.Narrow(sound, narrowSound);
            ElementWise.Narrow(damaged, narrowDamaged);
            Assert.True(ElementWise.Interpolate(sound, damaged, 0.25, target));
            Assert.True(ElementWise.Interpolate(narrowSound, narrowDamaged, 0.25, target));
            for (var at = 0; at < length; at++)
            {
                (damaged[at], narrowDamaged[at]) = (value, (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
                Assert.False(ElementWise.Interpolate(sound, damaged, 0.25, target));
                Assert.False(ElementWise.Interpolate(damaged, sound, 1e-60, target));
                Assert.False(ElementWise.Interpolate(narrowSound, narrowDamaged, 0.25, target));
                Assert.False(ElementWise.Interpolate(narrowDamaged, narrowSound, 0.25, target));
                (damaged[at], narrowDamaged[at]) = (2f, 0x4000);
            }
        }
    }

    [Fact]
    public void Narrowing_tells_of_a_value_too_large_for_bfloat16_at_every_place()
    {
        for (var length = 1; length < 70; length++)
        {
            var (values, narrowed) = (Enumerable.Repeat(3.38e38f, length).ToArray(), new ushort[length]);
            Assert.True(ElementWise.Narrow(values, narrowed));
            for (var at = 0; at < length; at++)
            {
                values[at] = float.MinValue;
                Assert.False(ElementWise.Narrow(values, narrowed));
                values[at] = 3.38e38f;
            }
        }
    }
}
