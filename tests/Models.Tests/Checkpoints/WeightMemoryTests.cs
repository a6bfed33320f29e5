using System.Runtime.InteropServices;

namespace Hindsight.Models.Tests.Checkpoints;

public class WeightMemoryTests
{
    [Fact]
    public void Two_models_never_share_memory_however_often_it_is_given_back()
    {
        const int Bytes = 5_000_001;
        for (var round = 0; round < 20; round++)
        {
            var (one, other) = (WeightMemory.Allocate(Bytes), WeightMemory.Allocate(Bytes));
            Assert.Equal(0, one % (2 << 20));
            Assert.True(Math.Abs(one - other) >= Bytes);
            Marshal.WriteByte(one, Bytes - 1, 1);
            Marshal.WriteByte(other, Bytes - 1, 2);
            Assert.Equal((1, 2), (Marshal.ReadByte(one, Bytes - 1), Marshal.ReadByte(other, Bytes - 1)));
            WeightMemory.Free(one, Bytes);
            WeightMemory.Free(other, Bytes);
        }
    }
}
