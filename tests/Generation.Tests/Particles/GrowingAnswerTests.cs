namespace Hindsight.Generation.Tests;

public class GrowingAnswerTests
{
    [Fact]
    public void A_character_that_two_steps_share_is_in_the_later_one_and_nothing_comes_twice()
    {
        var answer = new GrowingAnswer(new Row(new GenerationRequest([1], [0], new Decoding()), 0, new RandomStream(1, [1]).OfSample(0)));
        // The first bytes of a character are unreadable, whether as one sign or as several.
        foreach (var text in new[] { "caf\uFFFD", "café is", "café is open \uFFFD\uFFFD", "café is open 🙂", "café is open 🙂." })
        {
            answer.EndStep(text);
        }

        Assert.Equal(["caf\uFFFD", "é is", " open \uFFFD\uFFFD", "🙂", "."], answer.Steps);
        Assert.Equal("café is open 🙂.", answer.Spoken);
        Assert.Equal("", answer.NewIn("café is open 🙂."));
    }
}
