import Foundation
import TestSupport
import Testing

/// What the documents show is true: links lead somewhere, options exist, and the commands of those that are meant to be
/// followed do what stands there.
@Suite struct DocumentTests {
  static let project = InstallationTests.project

  /// Every document of the project, as a path below its folder.
  static let documents: [String] = {
    let folders = [".", "docs", "docs/decisions", "datasets", "models"]
    return folders.flatMap { folder in
      let names =
        (try? FileManager.default.contentsOfDirectory(
          atPath: project.appending(path: folder).path)) ?? []
      return names.filter { $0.hasSuffix(".md") }.sorted().map {
        folder == "." ? $0 : "\(folder)/\($0)"
      }
    }
  }()

  static func text(_ document: String) throws -> String {
    try String(contentsOf: project.appending(path: document), encoding: .utf8)
  }

  // MARK: - Links

  /// Anchors of a document's headings, as GitHub makes them, and those that stand in it.
  static func anchors(_ document: String) throws -> Set<String> {
    let text = try text(document)
    var isCode = false
    return Set(text.matches(of: /<a id="([^"]+)">/).map { String($0.1) }).union(
      text.split(separator: "\n").compactMap { line in
        if line.hasPrefix("```") { isCode.toggle() }
        guard !isCode, line.hasPrefix("#") else { return nil }
        let title = line.drop { $0 == "#" }.trimmingPrefix(" ")
          .replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.1 }
        return String(
          title.lowercased().compactMap {
            $0 == " " ? "-" : $0.isLetter || $0.isNumber || "-_".contains($0) ? $0 : nil
          })
      })
  }

  @Test(arguments: documents) func linksLeadSomewhere(document: String) throws {
    let folder = URL(filePath: document).deletingLastPathComponent().relativePath
    for link in try Self.text(document).matches(of: /\]\((?<path>[^)#\s]*)(#(?<anchor>[^)\s]*))?\)/)
    {
      let path = String(link.path)
      guard !path.contains("://"), !path.hasPrefix("mailto:") else { continue }
      let target =
        path.isEmpty
        ? document : URL(filePath: "/\(folder)/\(path)").standardized.path.dropFirst().description
      let file = Self.project.appending(path: target)
      guard FileManager.default.fileExists(atPath: file.path) else {
        Issue.record("\(document) links to \(path), which is not there")
        continue
      }
      guard let anchor = link.anchor, target.hasSuffix(".md") else { continue }
      #expect(
        try Self.anchors(target).contains(String(anchor)), "\(document): \(path)#\(anchor)")
    }
  }

  // MARK: - Options

  /// The options of each command, by the program's own account.
  static let options: [String: Set<String>] = {
    struct Help: Decodable {
      struct Command: Decodable {
        var commandName: String
        var subcommands: [Command]?
        var arguments: [Argument]?
      }

      struct Argument: Decodable {
        struct Name: Decodable {
          var kind: String
          var name: String
        }

        var names: [Name]?
      }

      var command: Command
    }

    guard let result = try? CommandLineTests.run("--experimental-dump-help"),
      let help = try? JSONDecoder().decode(Help.self, from: Data(result.output.utf8))
    else { return [:] }
    return Dictionary(
      (help.command.subcommands ?? []).map { command in
        let names = (command.arguments ?? []).flatMap { $0.names ?? [] }
          .map { ($0.kind == "long" ? "--" : "-") + $0.name }
        return (command.commandName, Set(names + ["--help", "--version", "-h"]))
      }, uniquingKeysWith: { $1 })
  }()

  /// The commands of loxeval in a document's code, each as the words that stand outside of quotes.
  static func commands(_ document: String) throws -> [[Substring]] {
    let text = try text(document).replacing("\\\n", with: " ")
    let blocks = text.matches(of: /(?m)^```[^\n]*\n(?<code>[\s\S]*?)\n```/).map { $0.code }
    let prose = text.replacing(/(?m)^```[\s\S]*?\n```/, with: "")
    let spans = prose.matches(of: /`(?<code>[^`]*)`/).map { $0.code }
    return (blocks.flatMap { $0.split(separator: "\n") } + spans).flatMap { line in
      // What is quoted is for another program; what stands behind a bar, a semicolon or a comment is another command.
      line.replacing(/"[^"]*"|'[^']*'/, with: "QUOTED").split(whereSeparator: {
        "|;&#>".contains($0)
      })
      .compactMap { part in
        guard let found = part.firstMatch(of: /(?:^|[ \/])loxeval (?<rest>[a-z][\s\S]*)/) else {
          return nil
        }
        return found.rest.split(separator: " ").map { Substring($0) }
      }
    }
  }

  @Test(arguments: documents.filter { $0 != "CHANGELOG.md" })
  func commandsHaveTheOptionsThatAreShown(document: String) throws {
    try #require(Self.options.count > 15)
    for words in try Self.commands(document) {
      guard let known = Self.options[String(words[0])] else { continue }
      for word in words.dropFirst() where word.hasPrefix("--") {
        let name = String(word.prefix { $0 != "=" && $0 != "," && $0 != ")" })
        #expect(known.contains(name), "\(document): loxeval \(words[0]) has no \(name)")
      }
    }
  }

  // MARK: - Documents to follow

  /// A document's code as one script of the shell: blocks of a `file` are written to it, blocks of `sh` are run, and end with 0
  /// or with the code that `exits` says.
  static func script(_ document: String) throws -> String {
    let fence = /(?m)^```(?<language>[a-z]+)(?<notes>[^\n]*)\n(?<code>[\s\S]*?)\n```/
    let steps = try text(document).matches(of: fence).compactMap { block -> String? in
      if let file = block.notes.firstMatch(of: /file=(?<name>\S+)/) {
        return "cat > '\(file.name)' <<'END OF FILE'\n\(block.code)\nEND OF FILE"
      }
      guard block.language == "sh" else { return nil }
      let code = block.notes.firstMatch(of: /exits=(?<code>\d+)/).map { String($0.code) } ?? "0"
      return """
        bash -euo pipefail <<'END OF STEP'
        \(block.code)
        END OF STEP
        code=$?
        if [ $code != \(code) ]; then echo "expected exit code \(code), found $code" >&2; exit 99; fi
        """
    }
    return steps.joined(separator: "\n")
  }

  @Test(arguments: ["docs/tutorial.md", "docs/data.md"])
  func whatStandsThereCanBeFollowed(document: String) throws {
    let folder = try TemporaryFolder()
    for name in ["models", "datasets"] {
      try FileManager.default.createSymbolicLink(
        at: folder.url.appending(path: name), withDestinationURL: Self.project.appending(path: name)
      )
    }
    let programs = CommandLineTests.program.deletingLastPathComponent().path
    let result = try InstallationTests.run(
      URL(filePath: "/bin/bash"), ["-c", try Self.script(document)], in: folder.url,
      environment: ["PATH": "\(programs):/usr/bin:/bin"])
    #expect(result.status == 0, "\(result.errors.suffix(2000))")
  }
}
