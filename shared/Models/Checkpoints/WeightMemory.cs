using System.Runtime.InteropServices;

namespace Hindsight.Models;

/// <summary>
/// Memory for a model's weights. New memory costs more to get than to fill: so it is asked for in pages of 2 MiB, and the stretch
/// given back last is kept for the next model of its size, as the variants of a run are loaded one after the other.
/// </summary>
internal static unsafe partial class WeightMemory
{
    private const long PageSize = 2 << 20;
    private const int AdviseDontNeed = 4;
    private const int AdviseFree = 8;
    private const int AdviseHugePage = 14;

    private static readonly Lock Turn = new();
    private static (nint Address, long Bytes) kept;

    /// <summary>Memory of <paramref name="bytes"/> bytes with anything in it, aligned to 2 MiB.</summary>
    public static nint Allocate(long bytes)
    {
        bytes = Rounded(bytes);
        nint found;
        lock (Turn)
        {
            (found, var size, kept) = (kept.Address, kept.Bytes, default);
            if (found != 0 && size == bytes)
            {
                return found;
            }
        }

        NativeMemory.AlignedFree((void*)found);
        var address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, (nuint)PageSize);
        Advise(address, bytes, AdviseHugePage);
        return address;
    }

    /// <param name="address">What <see cref="Allocate"/> gave, or 0.</param>
    /// <param name="bytes">What it was asked for.</param>
    public static void Free(nint address, long bytes)
    {
        if (address == 0)
        {
            return;
        }

        // The system may take the pages back when memory runs short; they are not lost to others.
        Advise(address, Rounded(bytes), AdviseFree);
        lock (Turn)
        {
            (address, kept) = (kept.Address, (address, Rounded(bytes)));
        }

        NativeMemory.AlignedFree((void*)address);
    }

    /// <summary>Lets go of the pages of a mapped file that lie wholly in a stretch; they are read from the file when they are wanted again.</summary>
    public static void Release(nint address, long bytes)
    {
        var page = (nint)Environment.SystemPageSize;
        var (start, end) = ((address + page - 1) / page * page, (address + (nint)bytes) / page * page);
        if (end > start)
        {
            Advise(start, end - start, AdviseDontNeed);
        }
    }

    private static long Rounded(long bytes) => (bytes + PageSize - 1) / PageSize * PageSize;

    private static void Advise(nint address, long bytes, int advice)
    {
        if (OperatingSystem.IsLinux())
        {
            // Advice that is refused changes the speed alone.
            _ = MemoryAdvise(address, (nuint)bytes, advice);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MemoryAdvise(nint address, nuint bytes, int advice);
}
