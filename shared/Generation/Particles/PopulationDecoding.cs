namespace Hindsight.Generation;

/// <summary>
/// Draws the answers of populations, as many populations at once as there are rows for. In each round a population's answers grow by a
/// step in their rows; an answer whose step is done waits for the others. When all are, they are scored and the population says who goes
/// on as whose copy: a row is copied where an answer has several successors, and else changes hands.
/// </summary>
internal sealed class PopulationDecoding(
    DecodingBatch batch, DecodingRows rows, RewardModel? rewards, AnswerEnds end, Func<IReadOnlyList<int>, string> decode,
    Action<PopulationRequest, PopulationRound>? roundDone)
{
    private readonly List<GrowingPopulation> growing = [];
    private readonly Stack<int> freeRewardRows = new(Enumerable.Range(0, rewards?.Rows ?? 0).Reverse());

    /// <summary>Rows of the reward model that no answer gets: one to look ahead in.</summary>
    private int spareRows;

    public IEnumerable<PopulationAnswers> Draw(IEnumerable<PopulationRequest> requests, CancellationToken cancellation)
    {
        using var waiting = requests.GetEnumerator();
        var next = waiting.MoveNext() ? Begin(waiting.Current) : null;
        while (next is not null || growing.Count > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            if (next is not null && !batch.PromptIsRead)
            {
                batch.ReadPiece();
            }

            if (next is not null && batch.PromptIsRead && rows.Free >= next.Slots && (next.Request.Conversation is null || freeRewardRows.Count >= next.Slots + spareRows))
            {
                Place(next);
                growing.Add(next);
                next = waiting.MoveNext() ? Begin(waiting.Current) : null;
            }
            else
            {
                rows.Step();
            }

            foreach (var population in growing.ToList())
            {
                if (Grow(population) is { } answers)
                {
                    growing.Remove(population);
                    yield return answers;
                }
            }
        }
    }

    private GrowingPopulation Begin(PopulationRequest request)
    {
        request.Decoding.Validate();
        request.Steps.Validate();
        if (request.LooksAhead && request.Conversation is null)
        {
            throw new InvalidDataException("Looking ahead needs a reward model that scores what is seen there.");
        }

        spareRows |= request.LooksAhead ? 1 : 0;
        var room = Math.Min(batch.Rows, request.Conversation is null ? int.MaxValue : rewards?.Rows - spareRows ?? throw new ArgumentException("There is no reward model to score the particles.", nameof(request)));
        if (request.Population.Slots > room)
        {
            throw new InvalidDataException($"There is room for {room} particles at once, and {request.Population.Slots} are asked for; take fewer, or a machine with more memory.");
        }

        batch.Begin(request.PromptIds, request.Adapter);
        return new GrowingPopulation(request);
    }

    /// <summary>Puts the prompt that was read into rows and draws what comes after it.</summary>
    private void Place(GrowingPopulation population)
    {
        var request = population.Request;
        for (var slot = 0; slot < population.Slots; slot++)
        {
            var answer = population.Answers[slot];
            rows.DrawFirst(answer.Row);
            rows.Place(answer.Row);
            if (request.Conversation is { } conversation)
            {
                population.RewardRows[slot] = freeRewardRows.Pop();
                if (slot == 0)
                {
                    rewards!.Begin(population.RewardRows[0], conversation);
                }
                else
                {
                    rewards!.Fork(population.RewardRows[0], population.RewardRows[slot]);
                }
            }
        }
    }

    /// <summary>Looks at the newest token of each answer, and ends the round when all steps are done.</summary>
    /// <returns>The answers, when the population is finished.</returns>
    private PopulationAnswers? Grow(GrowingPopulation population)
    {
        for (var slot = 0; slot < population.Slots; slot++)
        {
            var answer = population.Answers[slot];
            if (answer.Seen == answer.Row.Ids.Count)
            {
                continue;
            }

            answer.Seen = answer.Row.Ids.Count;
            population.DrawnTokens += answer.Row.Ids.Count > answer.Row.Known.Count ? 1 : 0;
            if (answer.Row.LooksAheadFrom is { } start)
            {
                if (IsEnded(population, answer.Row, start).IsDone)
                {
                    EndLookAhead(population, slot, start);
                }

                continue;
            }

            (var isDone, answer.Answer) = IsEnded(population, answer.Row, answer.StepStart);
            if (isDone)
            {
                EndStep(population, slot);
                answer.Row.Waits = !population.IsReplaying(slot);
                if (population.Request.LooksAhead && !population.IsResumed && answer.Answer is null && population.Population.IsExtended(slot))
                {
                    answer.Row.LookAhead();
                    answer.Row.Waits = false;
                }
            }
        }

        if (!population.Answers.All(answer => answer.Row.Waits))
        {
            return null;
        }

        if (population.IsResumed)
        {
            population.EndReplay();
        }
        else
        {
            EndRound(population);
        }

        if (population.Population.IsFinished)
        {
            return Finish(population);
        }

        population.GoOn();
        return null;
    }

    /// <summary>Whether a step that began at a token ends with the newest one, and the answer if that ends too.</summary>
    private (bool IsDone, Completion? Answer) IsEnded(GrowingPopulation population, Row row, int start)
    {
        var (rule, answer, length) = (population.Request.Steps, end.Of(row), row.Ids.Count - start);
        return (answer is not null || length >= rule.MostTokens || SpellsDelimiter(row, length, rule.Delimiters), answer);
    }

    /// <summary>Scores how an answer would go on, and puts it back to where it stands.</summary>
    private void EndLookAhead(GrowingPopulation population, int slot, int start)
    {
        var (request, answer, before) = (population.Request, population.Answers[slot], rewards!.Tokens);
        var text = end.Of(answer.Row)?.Text ?? decode(answer.Row.Ids);
        try
        {
            IReadOnlyList<string> steps = request.ScoresWhole ? [text] : [.. answer.Steps, answer.NewIn(text)];
            // In a row of its own: the pieces in which a row is read decide the last bits of what follows, and a resumed population does not look again.
            var spare = freeRewardRows.Peek();
            rewards.Fork(population.RewardRows[slot], spare);
            var reward = rewards.Score(spare, request.Conversation!, steps);
            population.Outcomes[slot] = population.Outcomes[slot] with { LookAhead = double.IsFinite(reward.Value) ? reward.Probability : null };
        }
        catch (InvalidDataException)
        {
            // What the reward model has no room for is no reason to steer; the step itself will say so, if it comes to it.
        }

        population.RewardTokens += rewards.Tokens - before;
        rows.TakeBack(answer.Row);
        (answer.Seen, answer.Row.Waits) = (start, true);
    }

    private bool SpellsDelimiter(Row row, int length, IReadOnlyList<string> delimiters)
    {
        if (delimiters.Count == 0)
        {
            return false;
        }

        var newest = decode(row.Ids[^Math.Min(length, (4 * delimiters.Max(text => text.Length)) + 8)..]);
        return delimiters.Any(text => newest.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Scores the step that ended. One that was scored before is read again for what comes after it.</summary>
    private void EndStep(GrowingPopulation population, int slot)
    {
        var (request, answer) = (population.Request, population.Answers[slot]);
        answer.EndStep(answer.Answer?.Text ?? decode(answer.Row.Ids));
        if (answer.Answer is null && request.Steps.EndsAnswer(answer.Steps))
        {
            answer.Answer = end.Stopped(answer.Row);
        }

        if (request.Conversation is not { } conversation)
        {
            population.Outcomes[slot] = new StepOutcome(answer.SelfCertainty(), answer.Answer is not null);
            return;
        }

        var before = rewards!.Tokens;
        try
        {
            var reward = rewards.Score(population.RewardRows[slot], conversation, request.ScoresWhole ? [answer.Spoken] : answer.Steps);
            if (double.IsFinite(reward.Value))
            {
                answer.Add(reward);
                population.Outcomes[slot] = new StepOutcome(reward.Probability, answer.Answer is not null);
            }
            else
            {
                answer.Failure = $"The reward model gave the score {reward}, which is no number to weigh an answer by.";
            }
        }
        catch (InvalidDataException exception)
        {
            answer.Failure = exception.Message;
        }

        if (answer.Failure is not null)
        {
            answer.Answer ??= end.CutOff(answer.Row);
            population.Outcomes[slot] = StepOutcome.Failed;
        }

        population.RewardTokens += rewards.Tokens - before;
    }

    private void EndRound(GrowingPopulation population)
    {
        var round = population.Population.Round;
        foreach (var (slot, answer) in population.Answers.Index())
        {
            if (population.Population.IsExtended(slot) && answer.Answer is { } ended)
            {
                population.Ended[(round, slot)] = ended;
            }
        }

        var epoch = population.Population.Epoch;
        var ancestors = population.Population.Advance(population.Outcomes);
        if (population.Population.Epoch != epoch)
        {
            Inherit(population, ancestors);
        }

        roundDone?.Invoke(population.Request, new PopulationRound(
            population.Population.State, [.. population.Answers.Select(answer => answer.Text)], population.DrawnTokens, population.RewardTokens));
    }

    /// <summary>Makes every slot go on from its ancestor. Rows of answers without successors take the copies.</summary>
    private void Inherit(GrowingPopulation population, IReadOnlyList<int> ancestors)
    {
        var (answers, rewardRows) = (population.Answers.ToArray(), population.RewardRows.ToArray());
        int[] rowOf = [.. answers.Select(answer => answer.Row.Index)];
        var unused = new Stack<int>(Enumerable.Range(0, answers.Length).Except(ancestors).Reverse());
        var holders = new int[answers.Length];
        var kept = new HashSet<int>();
        // Whoever stays keeps its own row; of several successors elsewhere the first takes it over.
        foreach (var slot in Enumerable.Range(0, answers.Length).OrderBy(slot => ancestors[slot] != slot))
        {
            var from = ancestors[slot];
            holders[slot] = kept.Add(from) ? from : unused.Pop();
            // Nothing more is drawn or scored behind an answer that has ended.
            if (holders[slot] != from && answers[from].Answer is null)
            {
                batch.Fork(rowOf[from], rowOf[holders[slot]]);
                if (population.Request.Conversation is not null)
                {
                    rewards!.Fork(rewardRows[from], rewardRows[holders[slot]]);
                }
            }
        }

        for (var slot = 0; slot < answers.Length; slot++)
        {
            var stream = population.StreamOf(slot);
            if (ancestors[slot] == slot)
            {
                answers[slot].Row.Stream = stream;
                continue;
            }

            population.Answers[slot] = new GrowingAnswer(answers[ancestors[slot]], answers[slot].Row.Sample, stream);
            population.Answers[slot].Row.Waits = true;
            rows.Put(population.Answers[slot].Row, rowOf[holders[slot]]);
            population.RewardRows[slot] = rewardRows[holders[slot]];
        }
    }

    private PopulationAnswers Finish(GrowingPopulation population)
    {
        foreach (var answer in population.Answers)
        {
            rows.Remove(answer.Row);
        }

        if (population.Request.Conversation is not null)
        {
            foreach (var row in population.RewardRows.Reverse())
            {
                freeRewardRows.Push(row);
            }
        }

        return new PopulationAnswers(
            population.Request, [.. population.Answers.Select(answer => answer.Answer ?? end.CutOff(answer.Row))],
            [.. population.Answers.Select(answer => answer.Text)], population.Ended, population.DrawnTokens, population.RewardTokens);
    }
}
