using System.Reflection;

/// <summary>The folder tests/data, in the source tree: nothing is copied beside the test assemblies.</summary>
internal static class TestData
{
    public static string Folder { get; } = typeof(TestData).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "TestData").Value!;

    public static string PathTo(params string[] parts) => Path.Combine([Folder, .. parts]);
}
