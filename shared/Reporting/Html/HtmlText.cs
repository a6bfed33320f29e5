using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hindsight.Reporting;

/// <summary>HTML under construction. Markup is what stands literally in our source; everything put into a hole is encoded.</summary>
internal sealed class HtmlText
{
    private readonly StringBuilder html = new();

    // The interpolated string has written itself by the time it gets here.
#pragma warning disable CA1822
    public void Add([InterpolatedStringHandlerArgument("")] ref Encoder markup) => _ = markup;
#pragma warning restore CA1822

    /// <summary>Our own scripts and styles, which must come out byte for byte as they were hashed.</summary>
    public void AddVerbatim(string text) => html.Append(text);

    public override string ToString() => html.ToString();

    [InterpolatedStringHandler]
    internal readonly ref struct Encoder(int literalLength, int formattedCount, HtmlText text)
    {
        private readonly StringBuilder html = Reserve(text, literalLength + 16 * formattedCount);

        public void AppendLiteral(string markup) => html.Append(markup);

        public void AppendFormatted(string untrusted) => html.Append(WebUtility.HtmlEncode(untrusted));

        public void AppendFormatted(int number) => AppendFormatted(Number.Plain(number));

        public void AppendFormatted(Prose prose)
        {
            foreach (var piece in prose.Pieces)
            {
                switch (piece.Kind)
                {
                    case PieceKind.Own:
                        AppendFormatted(piece.Text);
                        break;
                    case PieceKind.Range:
                        AppendLiteral("<span class=\"range\">");
                        AppendFormatted(piece.Text);
                        AppendLiteral("</span>");
                        break;
                    case PieceKind.Foreign:
                        // Isolated, so that right-to-left text does not reorder our own words around it.
                        AppendLiteral("<bdi>");
                        AppendFormatted(Inert.Line(piece.Text));
                        AppendLiteral("</bdi>");
                        break;
                }
            }
        }

        private static StringBuilder Reserve(HtmlText text, int length)
        {
            text.html.EnsureCapacity(text.html.Length + length);
            return text.html;
        }
    }
}
