using System.Text.Json;

namespace Hindsight.Generation.Tests;

public class SearchTests
{
    [Fact]
    public void A_beam_goes_on_with_the_best_prefixes_and_puts_ended_answers_aside()
    {
        var search = new BeamSearch(new SearchOptions(4, Width: 2, MaxSteps: 3));
        // The ended answer has the best score, but takes no slot.
        Assert.Equal([1, 1, 2, 2], search.Advance([new(.3, false), new(.5, false), new(.6, false), new(.9, true)]));
        Assert.Equal([new Hypothesis(0, 3, .9, true)], search.Hypotheses);
        Assert.Equal([0, 1, 0, 1], search.Advance([new(.5, false), new(.5, false), new(.5, false), StepOutcome.Failed]));
        Assert.False(search.IsFinished);
        // After the last step nobody is chosen any more, and each goes on to its end.
        Assert.Equal([0, 1, 2, 3], search.Advance([new(.1, false), new(.2, true), new(.3, false), new(.4, false)]));
        Assert.Equal([true, false, true, true], Enumerable.Range(0, 4).Select(search.IsExtended));
        Assert.Equal([0, 1, 2, 3], search.Advance([new(.7, true), default, StepOutcome.Failed, new(.6, false)]));
        Assert.False(search.IsFinished);
        search.Advance([default, default, default, new(.8, true)]);
        Assert.True(search.IsFinished);
        Assert.Equal([new(0, 3, .9, true), new(2, 1, .2, true), new(3, 0, .7, true), new(4, 3, .8, true)], search.Hypotheses);
        Assert.Equal(2, search.Epoch);
    }

    [Fact]
    public void A_score_out_of_range_leaves_a_search_as_it_was()
    {
        IPopulation[] searches = [new BeamSearch(new SearchOptions(2, Width: 2, MaxSteps: 1)), new DiverseTreeSearch(new SearchOptions(2, Width: 2, MaxSteps: 1))];
        Assert.All(searches, search =>
        {
            Assert.Throws<InvalidDataException>(() => search.Advance([new(.5, true), new(double.NaN, true)]));
            Assert.Equal((0, true), (search.Round, search.IsExtended(0)));
        });
    }

    [Fact]
    public void A_beam_ends_when_every_answer_has_ended()
    {
        var search = new BeamSearch(new SearchOptions(2, Width: 2));
        search.Advance([new(.3, true), StepOutcome.Failed]);
        Assert.True(search.IsFinished);
        Assert.Equal([new Hypothesis(0, 0, .3, true)], search.Hypotheses);
        Assert.Throws<InvalidOperationException>(() => search.Advance([default, default]));
    }

    [Fact]
    public void Scores_of_a_search_follow_its_prefixes()
    {
        var search = new BeamSearch(new SearchOptions(2, Width: 2, MaxSteps: 2, Score: new PrefixScore(Aggregation.Product)));
        search.Advance([new(.5, false), new(.8, false)]);
        search.Advance([new(.5, true), new(.25, true)]);
        Assert.Equal([.4, .2], search.Hypotheses.Select(hypothesis => hypothesis.Score), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void A_wide_beam_finds_the_best_answer_of_a_toy()
    {
        // 256 random continuations of each round miss none of the toy's few.
        var search = new BeamSearch(new SearchOptions(256, Width: 4, MaxSteps: 3, Score: new PrefixScore(Aggregation.Product)));
        var random = new Random(1);
        string[] texts = [.. Enumerable.Repeat("", 256)];
        var best = (Score: 0.0, Text: "");
        while (!search.IsFinished)
        {
            texts = [.. texts.Select(text => text + (random.NextDouble() < .5 ? '0' : '1'))];
            var known = search.Hypotheses.Count;
            var ancestors = search.Advance([.. texts.Select(text => Toy.Chain(3).Outcome(text))]);
            best = search.Hypotheses.Skip(known).Select(hypothesis => (hypothesis.Score, texts[hypothesis.Slot])).Append(best).MaxBy(answer => answer.Item1);
            texts = [.. ancestors.Select(slot => texts[slot])];
        }

        Assert.Equal("111", best.Text);
        Assert.Equal(.729, best.Score, 12);
    }

    [Fact]
    public void Every_tree_goes_on_with_its_own_best_and_ends_with_it()
    {
        var search = new DiverseTreeSearch(new SearchOptions(4, Width: 2, MaxSteps: 9));
        // An ended answer that is not the best of its tree is dropped; one that is ends the tree.
        Assert.Equal([1, 1, 2, 3], search.Advance([new(.1, true), new(.2, false), new(.7, false), new(.9, true)]));
        Assert.Equal([new(0, 2, .7, false), new(0, 3, .9, true)], search.Hypotheses);
        Assert.Equal([true, true, false, false], Enumerable.Range(0, 4).Select(search.IsExtended));
        Assert.Equal([0, 0, 2, 3], search.Advance([new(.4, false), new(.4, false), default, default]));
        Assert.Equal([0, 1, 2, 3], search.Advance([StepOutcome.Failed, new(.3, true), default, default]));
        Assert.True(search.IsFinished);
        Assert.Equal(new Hypothesis(2, 1, .3, true), search.Hypotheses[^1]);
    }

    [Fact]
    public void Leaves_of_trees_that_do_not_end_go_on_after_the_last_step_each_to_its_own_end()
    {
        var search = new DiverseTreeSearch(new SearchOptions(4, Width: 2, MaxSteps: 2));
        Assert.Equal([1, 1, 2, 3], search.Advance([new(.1, false), new(.2, false), StepOutcome.Failed, StepOutcome.Failed]));
        Assert.Equal([0, 1, 2, 3], search.Advance([new(.6, false), new(.3, true), default, default]));
        Assert.Equal([true, false, false, false], Enumerable.Range(0, 4).Select(search.IsExtended));
        search.Advance([new(.5, false), default, default, default]);
        search.Advance([new(.4, true), default, default, default]);
        Assert.True(search.IsFinished);
        Assert.Equal([new(1, 1, .3, true), new(3, 0, .4, true)], search.Hypotheses);
        Assert.Equal(1, search.Epoch);
    }

    [Fact]
    public void Searches_go_on_from_their_state()
    {
        var options = new SearchOptions(6, Width: 3, MaxSteps: 5);
        var (beam, trees) = (new BeamSearch(options), new DiverseTreeSearch(options));
        var (beamAgain, treesAgain) = (new BeamSearch(options), new DiverseTreeSearch(options));
        var random = new Random(3);
        while (!beam.IsFinished || !trees.IsFinished)
        {
            StepOutcome[] outcomes = [.. Enumerable.Range(0, 6).Select(_ => new StepOutcome(random.NextDouble(), random.NextDouble() < .3))];
            if (!beam.IsFinished)
            {
                Assert.Equal(beam.Advance(outcomes), beamAgain.Advance(outcomes));
                beamAgain = BeamSearch.Resume(options, Copy(beamAgain.State));
            }

            if (!trees.IsFinished)
            {
                Assert.Equal(trees.Advance(outcomes), treesAgain.Advance(outcomes));
                treesAgain = DiverseTreeSearch.Resume(options, Copy(treesAgain.State));
            }
        }

        Assert.NotEmpty(beam.Hypotheses);
        Assert.Equal(beam.Hypotheses, beamAgain.Hypotheses);
        Assert.Equal(trees.Hypotheses, treesAgain.Hypotheses);

        static PopulationState Copy(PopulationState state) => JsonSerializer.Deserialize<PopulationState>(JsonSerializer.Serialize(state))!;
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(4, 3, 1)]
    [InlineData(4, 2, 0)]
    public void A_search_out_of_range_is_refused(int slots, int width, int steps) =>
        Assert.Throws<InvalidDataException>(() => new BeamSearch(new SearchOptions(slots, width, steps)));
}
