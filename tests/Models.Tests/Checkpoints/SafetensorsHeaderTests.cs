using System.Buffers.Binary;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Hindsight.Models.Tests.Checkpoints;

public class SafetensorsHeaderTests
{
    private const string Scalar = """{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""";

    [Fact]
    public void A_sound_header_gives_names_types_shapes_and_places()
    {
        var header = Parse("""{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[2,26]},"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}  """, 26);

        Assert.Equal(["a", "b"], header.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([2L, 3], header.Tensors[1].Shape);
        Assert.Equal((StoredType.F32, header.DataStart + 2, 24L, 6L),
            (header.Tensors[1].Type, header.Tensors[1].Start, header.Tensors[1].ByteLength, header.Tensors[1].Elements));
    }

    [Fact]
    public void A_tensor_without_elements_is_allowed()
    {
        var header = Parse("""{"empty":{"dtype":"F32","shape":[2,0],"data_offsets":[4,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"void":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}""", 4);

        Assert.Equal(["void", "a", "empty"], header.Tensors.Select(tensor => tensor.Name));
    }

    [Fact]
    public void A_file_without_tensors_is_allowed() => Assert.Empty(Parse("{}", 0).Tensors);

    [Theory]
    [InlineData("not JSON", """{"a":""", 4, "not valid JSON")]
    [InlineData("trailing JSON", Scalar + "{}", 4, "not valid JSON")]
    [InlineData("a NUL behind the JSON", Scalar + "\0", 4, "not valid JSON")]
    [InlineData("a comment", """{/**/}""", 0, "not valid JSON")]
    [InlineData("leading space", " " + Scalar, 4, "does not begin with {")]
    [InlineData("a list", "[]", 0, "does not begin with {")]
    [InlineData("nothing", "", 0, "does not begin with {")]
    [InlineData("a name twice", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "Duplicate")]
    [InlineData("a name twice, once escaped", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "Duplicate")]
    [InlineData("a field twice", """{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "Duplicate")]
    [InlineData("half a surrogate pair", """{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "surrogate")]
    [InlineData("half a surrogate pair as dtype", """{"a":{"dtype":"\udc00","shape":[1],"data_offsets":[0,1]}}""", 1, "surrogate")]
    [InlineData("unknown dtype", """{"a":{"dtype":"F31","shape":[],"data_offsets":[0,4]}}""", 4, "unknown dtype \"F31\"")]
    [InlineData("dtype in small letters", """{"a":{"dtype":"f32","shape":[],"data_offsets":[0,4]}}""", 4, "unknown dtype")]
    [InlineData("no dtype", """{"a":{"shape":[],"data_offsets":[0,4]}}""", 4, "lacks dtype")]
    [InlineData("no shape", """{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "lacks dtype, shape")]
    [InlineData("no offsets", """{"a":{"dtype":"F32","shape":[]}}""", 4, "data_offsets")]
    [InlineData("three offsets", """{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4,4]}}""", 4, "data_offsets")]
    [InlineData("a tensor that is a number", """{"a":1}""", 4, "lacks dtype")]
    [InlineData("a null tensor", """{"a":null}""", 0, "lacks dtype")]
    [InlineData("negative shape", """{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "natural number")]
    [InlineData("negative zero", """{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}""", 0, "natural number")]
    [InlineData("negative offset", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[-4,4]}}""", 4, "natural number")]
    [InlineData("fractional shape", """{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}""", 4, "natural number")]
    [InlineData("shape as text", """{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "natural number")]
    [InlineData("shape of 400 digits", """{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}""", 4, "natural number")]
    [InlineData("offset beyond 2^63", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}""", 4, "natural number")]
    [InlineData("elements that overflow", """{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "overflows")]
    [InlineData("elements that overflow before a zero", """{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}""", 0, "overflows")]
    [InlineData("bytes that overflow", """{"a":{"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0]}}""", 0, "overflows")]
    [InlineData("an end that overflows", """{"a":{"dtype":"U8","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}""", 0, "overflows")]
    [InlineData("too few bytes for the shape", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "needs 8 bytes")]
    [InlineData("too many bytes for the shape", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}""", 8, "needs 4 bytes")]
    [InlineData("offsets exchanged", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "data_offsets are [4, 0]")]
    [InlineData("a hole in front", """{"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}""", 8, "a hole")]
    [InlineData("a hole between", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}""", 3, "a hole in front of the tensor \"b\"")]
    [InlineData("an overlap", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""", 3, "an overlap in front of the tensor \"b\"")]
    [InlineData("the same bytes twice", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 2, "an overlap")]
    [InlineData("an empty tensor inside another", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}}""", 2, "an overlap")]
    [InlineData("bytes behind the last tensor", Scalar, 5, "1 bytes follow")]
    [InlineData("bytes cut off", Scalar, 3, "cut off")]
    [InlineData("metadata that is a list", """{"__metadata__":[]}""", 0, "__metadata__")]
    [InlineData("metadata of numbers", """{"__metadata__":{"a":1}}""", 0, "__metadata__")]
    public void A_malformed_header_is_refused(string why, string json, int dataLength, string sentence)
    {
        var message = Assert.Throws<InvalidDataException>(() => Parse(json, dataLength)).Message;

        Assert.True(message.Contains(sentence, StringComparison.Ordinal), $"{why}: {message}");
        Assert.Contains("the-file", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void A_file_too_short_for_a_length_is_refused(int bytes) =>
        Assert.Contains("too few", Refusal(new byte[bytes], bytes), StringComparison.Ordinal);

    [Theory]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    public void A_header_above_100_million_bytes_is_refused(ulong length) =>
        Assert.Contains("more than the 100000000 allowed", Refusal(WithLength(length, "{}"), long.MaxValue), StringComparison.Ordinal);

    [Fact]
    public void A_header_longer_than_the_file_is_refused() =>
        Assert.Contains("more than the file has", Refusal(WithLength(3, "{}"), 10), StringComparison.Ordinal);

    [Fact]
    public void A_header_that_is_not_UTF8_is_refused()
    {
        var bytes = WithLength(7, "{\"a\":1}");
        bytes[10] = 0xFF;
        Assert.Contains("UTF-8", Refusal(bytes, bytes.Length), StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_8_bytes_tell_how_many_the_header_needs()
    {
        var file = WithLength((ulong)Scalar.Length, Scalar);

        Assert.Equal(8 + Scalar.Length, SafetensorsHeader.PrefixLength(file.AsSpan(0, 8), file.Length + 4, "the-file"));
        Assert.Single(SafetensorsHeader.Parse(file, file.Length + 4, "the-file").Tensors);
    }

    [Fact]
    public void Control_characters_of_a_name_do_not_reach_the_message()
    {
        var message = Assert.Throws<InvalidDataException>(() => Parse("""{"\u001b[2J\u202e":1}""", 0)).Message;

        Assert.DoesNotContain(message, char.IsControl);
        Assert.DoesNotContain('\u202e', message);
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        var shapes = Gen.Choose(0, 5).Select(size => (long)size).ListOf().Select(list => (IReadOnlyList<long>)[.. list.Take(4)]);
        var tensors = Gen.Zip(shapes, Gen.Elements(Enum.GetValues<StoredType>())).ListOf();
        Prop.ForAll(Arb.From(tensors), list =>
        {
            var written = list.Select((pair, index) => (Name: $"tensor \"{index}\" é", Type: pair.Item2, Shape: pair.Item1)).ToArray();
            var bytes = SafetensorsHeader.Serialize(written);
            var size = written.Sum(tensor => tensor.Shape.Aggregate((long)tensor.Type.Size(), (product, dimension) => product * dimension));
            var read = SafetensorsHeader.Parse(bytes, bytes.Length + size, "the-file").Tensors;

            return bytes.Length % 8 == 0
                && read.Count == written.Length
                && written.All(tensor => read.Any(other => other.Name == tensor.Name && other.Type == tensor.Type && other.Shape.SequenceEqual(tensor.Shape)));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_random_mutation_is_refused_in_one_way_only_or_its_tensors_fill_the_file()
    {
        const string Json = """{"__metadata__":{"format":"pt"},"é.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[2,26]},"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},"z":{"dtype":"F32","shape":[0,9],"data_offsets":[26,26]}}""";
        var data = new byte[26];
        byte[] file = [.. WithLength((ulong)Encoding.UTF8.GetByteCount(Json), Json), .. data];
        var mutations = new Mutations(seed: 20260101);
        var accepted = 0;
        for (var round = 0; round < 5_000; round++)
        {
            // Every other time the length stays right, so that the damage reaches the JSON parser.
            var bytes = round % 2 == 0 ? mutations.Of(file) : WithRightLength([.. mutations.Of(Encoding.UTF8.GetBytes(Json)), .. data], data.Length);
            try
            {
                var header = SafetensorsHeader.Parse(bytes, bytes.Length, "the-file");
                accepted++;
                Assert.Equal(bytes.Length - header.DataStart, header.Tensors.Sum(tensor => tensor.ByteLength));
                Assert.All(header.Tensors, tensor => Assert.Equal(tensor.ByteLength, tensor.Shape.Aggregate((long)tensor.Type.Size(), (product, size) => product * size)));
            }
            catch (InvalidDataException)
            {
            }
        }

        Assert.InRange(accepted, 1, 4_999);
    }

    private static SafetensorsHeader Parse(string json, int dataLength)
    {
        var bytes = WithLength((ulong)Encoding.UTF8.GetByteCount(json), json);
        return SafetensorsHeader.Parse(bytes, bytes.Length + dataLength, "the-file");
    }

    private static string Refusal(byte[] prefix, long fileLength) =>
        Assert.Throws<InvalidDataException>(() => SafetensorsHeader.Parse(prefix, fileLength, "the-file")).Message;

    private static byte[] WithRightLength(byte[] jsonAndData, int dataLength)
    {
        byte[] file = [.. new byte[8], .. jsonAndData];
        BinaryPrimitives.WriteInt64LittleEndian(file, jsonAndData.Length - dataLength);
        return file;
    }

    private static byte[] WithLength(ulong length, string json)
    {
        var bytes = new byte[8 + Encoding.UTF8.GetByteCount(json)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        Encoding.UTF8.GetBytes(json, bytes.AsSpan(8));
        return bytes;
    }
}
