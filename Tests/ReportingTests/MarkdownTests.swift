import Testing

@testable import Reporting

/// No text of a model or data set is markup, a link or another block on a page.
@Suite struct MarkdownTests {
  @Test(
    arguments: [
      ("plain - text, 3.5 + 4 = 7.5", "plain - text, 3.5 + 4 = 7.5"),
      ("-1.5 points", "-1.5 points"),
      ("see https://evil.example/x", "see https\\://evil.example/x"),
      ("HTTP://x", "HTTP\\://x"), ("ftp://x", "ftp\\://x"),
      ("www.evil.example", "www\\.evil.example"),
      ("mailto:a@b.example", "mailto\\:a\\@b.example"), ("a@b.example", "a\\@b.example"),
      ("12:30", "12:30"), ("e.g. this", "e.g. this"),
      ("- item", "\\- item"), ("+ item", "\\+ item"), ("---", "\\---"), ("1. item", "1\\. item"),
      ("12) item", "12\\) item"), ("2.5 percent", "2.5 percent"), ("    code", " code"),
      ("<img src=x>", "&lt;img src=x&gt;"), ("[a](b)", "\\[a\\](b)"), ("a\nb\r\nc\td", "a b c d"),
      ("a\u{1B}[31mb\u{202E}c", "a\\\\u001b\\[31mb\\\\u202ec"),
      ("::error::x", "\\\\u003a:error::x"),
    ])
  func textIsEscaped(text: String, escaped: String) {
    #expect(Markdown.escape(text) == escaped)
  }

  @Test func codeIsOneLineWithoutControls() {
    #expect(Markdown.code("a`b\nc\u{1B}") == "`a'b\\nc\\u001b`")
  }

  @Test(
    arguments: [
      ("plain", "plain"), ("a,b", "\"a,b\""), ("=1+1", "'=1+1"), (" =1", "' =1"), ("@x", "'@x"),
      ("a\u{1B}]0;x\u{7}b", "a\\u001b]0;x\\u0007b"), ("a\nb", "a\\nb"), ("a\u{202E}b", "a\\u202eb"),
      ("\t=1", "' =1"),
    ])
  func fieldsOfTheTableArePrintable(text: String, field: String) {
    #expect(SummaryCSV.text(text) == field)
  }
}
