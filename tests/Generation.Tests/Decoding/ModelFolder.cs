using System.Text.Json.Nodes;

namespace Hindsight.Generation.Tests;

/// <summary>A copy of a reference model with its config.json changed.</summary>
internal sealed class ModelFolder : IDisposable
{
    public ModelFolder(string model, Action<JsonObject> change)
    {
        foreach (var file in Directory.GetFiles(TestData.PathTo("models", model, "model")))
        {
            File.Copy(file, System.IO.Path.Combine(Path, System.IO.Path.GetFileName(file)));
        }

        var path = System.IO.Path.Combine(Path, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("model-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
