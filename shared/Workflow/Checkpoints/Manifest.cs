namespace Hindsight.Workflow;

/// <summary>One file of a checkpoint as it was when its manifest was made.</summary>
/// <param name="Name">File name within the folder.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Digest of its content, lower-case hexadecimal.</param>
public sealed record CheckpointFile(string Name, long Size, string Sha256);

/// <summary>
/// Says that a checkpoint's folder was complete, and what was in it. A folder that changes afterwards no longer matches
/// <see cref="Version"/> and gets a new manifest: it is a new checkpoint.
/// </summary>
/// <param name="Version">Digest of names, sizes and ETags of the blobs that the manifest was made from.</param>
/// <param name="Uploaded">When the newest of its blobs was written; orders checkpoints whose names tell no step.</param>
/// <param name="Files">The files that matter, by name.</param>
/// <param name="Refused">Why the checkpoint cannot be used; null when it can.</param>
public sealed record Manifest(string Version, DateTimeOffset Uploaded, IReadOnlyList<CheckpointFile> Files, string? Refused);

/// <summary>
/// <c>upload.json</c>: an uploader that writes this list last says that the folder is complete, so that Intake need not wait
/// for it to settle.
/// </summary>
/// <param name="Files">All files of the folder that matter.</param>
public sealed record UploadList(IReadOnlyList<CheckpointFile> Files)
{
    /// <summary>The file's name in a checkpoint's folder.</summary>
    public const string FileName = "upload.json";
}
