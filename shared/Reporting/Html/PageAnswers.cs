namespace Hindsight.Reporting;

/// <summary>The browser of answers: its controls and an empty table, which the script fills once it is looked at.</summary>
internal static class PageAnswers
{
    public static void Write(HtmlText page, AnswerBrowser browser)
    {
        var packed = PackedAnswers.Of(browser.Data);
        page.Add($"""
            <p class="paper">On paper the answers are left out: open report.html to read them.</p>
            <div class="browser" data-packed="{packed.Columns}" data-texts="{packed.Texts}" data-problems="{packed.Problems}" data-part="{Packed.PartLength}">
            <p class="loading" role="status">The answers are unpacked when this part of the page comes into view.</p>
            <div class="opened" hidden>
            <div class="filters" role="search" aria-label="Filter the answers">
            <div class="field"><label for="answer-problem">Problem</label><input id="answer-problem" name="problem" list="problem-ids" autocomplete="off" spellcheck="false"><datalist id="problem-ids"></datalist></div>
            <div class="field"><label for="answer-variant">Checkpoint</label><select id="answer-variant" name="variant"><option value="">all</option></select></div>
            <div class="field"><label for="answer-verdict">Verdict</label><select id="answer-verdict" name="verdict"><option value="">all</option><option value="0">correct</option><option value="1">wrong</option><option value="2">no answer</option><option value="3">truncated</option></select></div>
            <div class="field"><label for="answer-finish">Ended by</label><select id="answer-finish" name="finish"><option value="">all</option></select></div>
            <div class="field"><label for="answer-drawn">Drawn</label><select id="answer-drawn" name="drawn"><option value="">all</option><option value="greedy">greedy</option><option value="sampled">sampled</option></select></div>
            <div class="field"><label for="answer-text">Text</label><input id="answer-text" name="text" type="search" autocomplete="off" spellcheck="false"></div>
            <div class="field"><label for="answer-beside">Beside it</label><select id="answer-beside" name="beside"><option value="">no other</option></select></div>
            <label class="check"><input name="differs" type="checkbox" disabled> only where the verdicts differ</label>
            </div>
            <div class="bar">
            <p class="count" role="status"></p>
            <button type="button" class="clear">Clear filters</button>
            <button type="button" class="save">Download these as CSV</button>
            </div>
            <div class="table" tabindex="0" role="group" aria-label="Answers">
            <table>
            <thead><tr><th scope="col">Problem</th><th scope="col">Checkpoint</th><th scope="col">Drawn</th><th scope="col">Verdict</th><th scope="col" class="beside" hidden>Beside it</th><th scope="col">Ended by</th><th scope="col" class="n">Tokens</th><th scope="col" class="start">It begins</th></tr></thead>
            <tbody></tbody>
            </table>
            <p class="none" hidden>No answer is like this.</p>
            </div>

            """);
        PageBlocks.WritePaging(page, "Pages of answers");
        page.Add($"</div>\n</div>\n");
    }
}
