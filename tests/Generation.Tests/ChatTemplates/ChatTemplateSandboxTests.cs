namespace Hindsight.Generation.Tests;

public class ChatTemplateSandboxTests
{
    private static string Render(string template) => new ChatTemplate(template, new Dictionary<string, string>()).Render([], addGenerationPrompt: false);

    private static string Repeated(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    public static TheoryData<string> HostileTemplates =>
    [
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s | replace('x', 'xx') %}{% endfor %}",
        "{% set ns = namespace(s=[0]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[0]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[0]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
        "{% set ns = namespace(s=[0], t=[0]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
        "{% set ns = namespace(s=()) %}{% for i in range(90000) %}{% set ns.s = (ns.s,) %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=()) %}{% for i in range(90000) %}{% set ns.s = (ns.s,) %}{% endfor %}{{ ns.s|tojson }}",
        "{% set ns = namespace(s=()) %}{% for i in range(90000) %}{% set ns.s = (ns.s,) %}{% endfor %}{{ {ns.s: 1} }}",
        "{% set ns = namespace(s='') %}{% for i in range(100000) %}{% set ns.s %}{{ ns.s }}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endset %}{% endfor %}",
        "{{ 'x' * 10**9 }}",
        "{{ [0] * 10**12 }}",
        "{{ 10 ** 100 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ 'x'.center(10**9) }}{{ 'x'|center(10**9) }}",
        "{{ 'x'|indent(10**9) }}",
        "{{ [[]]|tojson(indent=10**9) }}",
        "{% set s = 'x' * 4000000 %}{% for i in range(1000) %}{{ s.replace('', 'yyyyyyyy') }}{% endfor %}",
        "{% set s = 'x' * 4000000 %}{% set t = 'x' * 2000000 ~ 'y' %}{% for i in range(100) %}{{ t in s }}{% endfor %}",
        "{% set s = '\U0001F600' * 1000000 %}{% for i in range(100000) %}{{ s|length }}{{ s[5] }}{% endfor %}",
        "{% for i in range(100000) %}{{ 'x' * 100 }}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        Repeated("(", 100_000) + "1" + Repeated(")", 100_000),
        "{{ " + Repeated("(", 100_000) + "1" + Repeated(")", 100_000) + " }}",
        "{{ " + Repeated("[", 100_000) + Repeated("]", 100_000) + " }}",
        "{{ " + Repeated("not ", 100_000) + "1 }}",
        "{{ " + Repeated("-", 100_000) + "1 }}",
        "{{ 1" + Repeated(" + 1", 100_000) + " }}",
        "{{ x" + Repeated(".x", 100_000) + " }}",
        "{{ 'x'" + Repeated("|trim", 100_000) + " }}",
        "{{ 1" + Repeated(" if 1 else 1", 50_000) + " }}",
        Repeated("{% if 1 %}", 50_000) + Repeated("{% endif %}", 50_000),
        Repeated("{% for x in [1, 2] %}", 40) + Repeated("{% endfor %}", 40),
        Repeated("x", 2_000_000),
    ];

    [Theory]
    [MemberData(nameof(HostileTemplates), DisableDiscoveryEnumeration = true)]
    public void A_hostile_template_is_refused_or_harmless(string template)
    {
        // Parentheses outside of tags are text; all the others break a limit.
        if (template.StartsWith('('))
            Assert.Equal(template, Render(template));
        else
            Assert.Throws<InvalidDataException>(() => Render(template));
    }

    [Theory]
    [InlineData("{{ ''.__class__ is defined }}")]
    [InlineData("{{ messages.__class__ is defined }}")]
    [InlineData("{{ messages['__class__'] is defined }}")]
    [InlineData("{{ range.__globals__ is defined }}")]
    [InlineData("{{ namespace().__init__ is defined }}")]
    [InlineData("{{ (''|attr('__class__')) is defined }}")]
    [InlineData("{{ messages.GetType is defined }}")]
    [InlineData("{{ ''.Length is defined }}")]
    public void Neither_python_nor_dotnet_internals_can_be_reached(string template) => Assert.Equal("False", Render(template));

    [Theory]
    [InlineData("a\nb\n{{ x", 3)]
    [InlineData("{% if x %}\n\n{{ 1 + }}{% endif %}", 3)]
    [InlineData("{#\n\n#}{% nonsense %}", 3)]
    [InlineData("{{ '\n\n' }}{% for %}", 3)]
    public void A_broken_template_is_refused_with_its_line(string template, int line)
    {
        var refusal = Assert.Throws<InvalidDataException>(() => Render(template));
        Assert.Contains($"line {line}:", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_carries_the_words_of_the_template()
    {
        var refusal = Assert.Throws<InvalidDataException>(() => Render("{{ raise_exception('Roles must alternate') }}"));
        Assert.Contains("Roles must alternate", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_date_is_fixed_unless_the_caller_names_one()
    {
        var template = new ChatTemplate("{{ strftime_now('%d %b %Y') }}", new Dictionary<string, string>());
        Assert.True(template.UsesDate);
        Assert.False(new ChatTemplate("{{ 1 }}", new Dictionary<string, string>()).UsesDate);
        Assert.Equal("26 Jul 2024", template.Render([], addGenerationPrompt: false));
        Assert.Equal("01 Feb 2031", template.Render([], addGenerationPrompt: false, new DateTimeOffset(2031, 2, 1, 0, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void Render_keeps_no_state_between_conversations()
    {
        var template = new ChatTemplate("{% set n = n|default(0) + 1 %}{{ n }}{{ messages[0].content }}", new Dictionary<string, string>());
        Assert.All(Enumerable.Range(0, 50).AsParallel().Select(i => (Expected: $"1{i}", Actual: template.Render([new ChatMessage("user", $"{i}")], addGenerationPrompt: true))),
            pair => Assert.Equal(pair.Expected, pair.Actual));
    }
}
