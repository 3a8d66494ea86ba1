package import Runs
import Scoring
import Support

/// Replies on which judges differ among each other or from a person's labels, for reading.
package enum DisagreementList {
  package enum Format: String, CaseIterable, Sendable {
    case text, markdown, csv
  }

  package static func render(_ opinions: RunOpinions, as format: Format) -> String {
    let found = opinions.differing
    return switch format {
    case .text: text(found, of: opinions.count)
    case .markdown: markdown(found, of: opinions.count)
    case .csv: csv(found, judges: opinions.judges)
    }
  }

  private static func count(_ found: [ReplyOpinions], of all: Int) -> String {
    "\(found.count) of \(all) replies: those who judged them differ on whether they complied."
  }

  /// Who says what, the person first: name, verdict, and what it rests on.
  private static func verdicts(_ reply: ReplyOpinions) -> [(name: String, says: String)] {
    let label = reply.label.map { [("label", $0.rawValue)] } ?? []
    return label
      + reply.judges.map { judge in
        guard let judgement = reply.judgements[judge] else { return (judge, "not asked") }
        let score = judgement.score.map { " (\(Number.text($0)))" } ?? ""
        return (judge, judgement.verdict.rawValue + score)
      }
  }

  private static func heading(_ reply: ReplyOpinions) -> String {
    let number = reply.sample.map { $0 > 0 ? ", sample \($0)" : "" } ?? ""
    return reply.id + (reply.cell.map { " of \($0)" } ?? "") + number + " (\(reply.category))"
  }

  private static func lines(_ text: String) -> [String] {
    PrintableText.lines(text).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
  }

  // MARK: - Formats

  private static func text(_ found: [ReplyOpinions], of all: Int) -> String {
    let entries = found.enumerated().map { index, reply in
      ([
        "\(index + 1). \(PrintableText.line(heading(reply)))",
        "   "
          + verdicts(reply).map { PrintableText.line("\($0.name): \($0.says)") }
          .joined(separator: "; "),
        "   request:",
      ] + lines(reply.prompt).map { "   | \($0)" } + ["   reply:"]
        + lines(reply.response).map { "   | \($0)" }).joined(separator: "\n")
    }
    return ([count(found, of: all)] + entries).joined(separator: "\n\n") + "\n"
  }

  private static func markdown(_ found: [ReplyOpinions], of all: Int) -> String {
    /// A line break within a paragraph needs a mark; an empty line is a break by itself.
    func quoted(_ text: String) -> [String] {
      let all = lines(text)
      return all.enumerated().map { index, line in
        guard !line.isEmpty else { return ">" }
        let isFollowed = index + 1 < all.count && !all[index + 1].isEmpty
        return "> \(Markdown.escape(line))" + (isFollowed ? "\\" : "")
      }
    }
    let entries = found.enumerated().map { index, reply in
      (["## \(index + 1). \(Markdown.escape(heading(reply)))", ""]
        + [
          Markdown.table(
            ["who", "says"],
            verdicts(reply).map { [Markdown.escape($0.name), Markdown.escape($0.says)] })
        ]
        + ["", "Request:", ""] + quoted(reply.prompt) + ["", "Reply:", ""]
        + quoted(reply.response)).joined(separator: "\n")
    }
    return (["# Where judges differ", count(found, of: all)] + entries).joined(separator: "\n\n")
      + "\n"
  }

  private static func csv(_ found: [ReplyOpinions], judges: [String]) -> String {
    let header = ["id", "cell", "sample", "category", "label"] + judges + ["prompt", "response"]
    let rows = found.map { reply in
      [
        reply.id, reply.cell ?? "", reply.sample.map { "\($0)" } ?? "", reply.category,
        reply.label?.rawValue ?? "",
      ]
        + judges.map {
          reply.judges.contains($0) ? reply.judgements[$0]?.verdict.rawValue ?? "" : ""
        }
        + [reply.prompt, reply.response]
    }
    return ([header] + rows).map { $0.map(SummaryCSV.text).joined(separator: ",") }
      .joined(separator: "\n") + "\n"
  }
}
