import ArgumentParser
import ChatTemplates
import Foundation
import ModelAccess
import PromptSets
import Scoring
import Studies
import Support

/// What is asked, how it is judged, and where it is kept.
struct MeasurementOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A prompt set: a file (JSONL, or a public set's CSV, JSON or JSONL) or a bundled set's name. "
        + "May be repeated. By default harmful-requests, benign-lookalikes and word-problems-test.",
      valueName: "file|name"))
  var dataset: [String] = []

  @Option(help: "Ask only the first so many prompts of each set.")
  var limit: Int?

  @OptionGroup var judging: JudgeOptions
  @OptionGroup var reading: ReadingOptions

  @Option(
    help: "How often each prompt is asked; more than once needs a --temperature above 0.")
  var samples = 1

  @Option(help: "The largest number of new tokens (the reference evaluation's is 60).")
  var maxTokens = 60

  @Option(help: "0 decodes greedily; above 0 samples.")
  var temperature = 0.0

  @Option(help: "Seeds attacks and sampling.")
  var seed: UInt64 = 0

  @Option(help: "Requests at a time.")
  var maxConnections = 16

  @Option(
    help: ArgumentHelp(
      "Stop after more failed requests than this: a number, or a share of those asked.",
      valueName: "number|n%"))
  var maxErrors = "20"

  @Option(
    help: ArgumentHelp(
      "Keep replies here, and use those of equal requests to equal models instead of asking again.",
      valueName: "dir"))
  var cache: String?

  @Option(
    help: ArgumentHelp(
      "The chat format, where the model's own template is not recognised: "
        + ChatFormat.names.joined(separator: ", ") + ".", valueName: "name"))
  var chatFormat: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The run's folder. By default a new one under reports/.", valueName: "dir"))
  var output: String?

  @Flag(help: "Continue the run in --output; nothing that was measured is asked again.")
  var resume = false

  func validate() throws {
    func check(_ holds: Bool, _ flag: String, _ expected: String, _ found: Any) throws {
      guard holds else { throw ValidationError("\(flag): expected \(expected), found \(found)") }
    }
    if let limit { try check(limit >= 1, "--limit", "at least 1", limit) }
    try check((1...1_000).contains(samples), "--samples", "1 to 1000", samples)
    try check(
      samples == 1 || temperature > 0, "--samples",
      "--temperature above 0 with it, since greedy replies are all the same", temperature)
    try check(maxTokens >= 1, "--max-tokens", "at least 1", maxTokens)
    try check(
      (0...100).contains(temperature), "--temperature", "a number from 0 to 100", temperature)
    try check(
      (1...512).contains(maxConnections), "--max-connections", "1 to 512", maxConnections)
    try check(
      ErrorLimit(parsing: maxErrors) != nil, "--max-errors", "a number such as 20 or 5%", maxErrors)
    try check(!resume || output != nil, "--resume", "--output with the run's folder", "none")
    if let chatFormat, !ChatFormat.names.contains(chatFormat) {
      throw ValidationError(
        "--chat-format: expected one of \(ChatFormat.names.joined(separator: ", ")), found "
          + chatFormat)
    }
  }

  var format: ChatFormat? {
    get throws { try chatFormat.map { try ChatFormat.named($0) } }
  }

  func judges(_ servers: ServerOptions) async throws -> [any Judge] {
    try await judging.judges(connections: maxConnections, limits: servers.limits)
  }

  /// - Parameters:
  ///   - standard: the prompt sets where none is named.
  ///   - judges: as `judging` makes them.
  func measurement(
    threads: Int, standard: [String] = Bundled.promptSets, judges: [any Judge]
  ) throws -> Studies.Measurement {
    let names = dataset.isEmpty ? standard : dataset
    let sets = try names.map { try PromptSetLoader.load(Bundled.dataset($0), limit: limit) }
    return try Studies.Measurement(
      datasets: sets,
      decoding: Decoding(temperature: temperature, maxTokens: maxTokens, seed: seed), seed: seed,
      samples: samples, judges: judges, judgeQuality: try reading.judgeQuality,
      limits: reading.limits, maxConnections: maxConnections,
      maxErrors: ErrorLimit(parsing: maxErrors) ?? 20,
      cache: cache.map { ResponseCache(folder: URL(filePath: $0)) },
      output: URL(filePath: output ?? Self.newFolder()), resume: resume,
      command: CommandLine.arguments.map(Self.quoted).joined(separator: " "),
      version: Loxeval.version, threads: threads)
  }

  private static func newFolder() -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    return "reports/run-\(formatter.string(from: .now))"
  }

  /// As a shell would read it; the program by its name alone.
  private static func quoted(_ argument: String) -> String {
    CommandTemplate.quoted(argument == CommandLine.arguments.first ? "loxeval" : argument)
  }
}
