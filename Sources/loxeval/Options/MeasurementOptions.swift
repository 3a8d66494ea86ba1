import ArgumentParser
import Foundation
import LinearAlgebra
import ModelAccess
import PromptSets
import Scoring
import Studies
import StudyDesign
import Support

/// What is asked, how it is judged, and where it is kept.
struct MeasurementOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A prompt set: a file (JSONL, or a public set's CSV, JSON or JSONL) or a bundled set's name. "
        + "May be repeated. By default \(Bundled.standard.names.joined(separator: ", "))"
        + " (the micro pair has its own: \(MicroPair.standard.names.joined(separator: ", "))); of a landscape the first alone.",
      valueName: "file|name"))
  var dataset: [String] = []

  @Option(
    help: ArgumentHelp(
      "Ask only the first so many prompts of each set, or all. Without it, \(Bundled.standard.limit) of each where no set "
        + "is named (\(MicroPair.standard.limit) of the bundled pair's), and all of each --dataset.",
      valueName: "number|all"))
  var limit: PromptLimit?

  @OptionGroup var judging: JudgeOptions
  @OptionGroup var reading: ReadingOptions

  @Option(
    in: Studies.Measurement.Ranges.samples,
    help: "How often each prompt is asked; more than once needs a --temperature above 0.")
  var samples = Studies.Measurement.Standard.samples

  @Option(
    in: Studies.Measurement.Ranges.maxTokens,
    help: "The most new tokens of a reply; the default is the reference evaluation's.")
  var maxTokens = Studies.Measurement.Standard.maxTokens

  @Option(
    in: Studies.Measurement.Ranges.maxReasoningTokens,
    help:
      "The most new tokens that a thinking model spends on its thoughts, apart from --max-tokens; without it both share --max-tokens."
  )
  var maxReasoningTokens: Int?

  @Option(
    in: Studies.Measurement.Ranges.temperature,
    help: "How replies are sampled: 0 is greedy, the likeliest token each time.")
  var temperature = Studies.Measurement.Standard.temperature

  @Option(in: Seed.range, help: "Seeds attacks and sampling.")
  var seed: UInt64 = 0

  @Option(in: Studies.Measurement.Ranges.connections, help: "Requests at a time.")
  var maxConnections = Studies.Measurement.Standard.connections

  @Option(
    help: ArgumentHelp(
      "Stop after more failed requests than this: a number, or a share of those asked. Replies that a "
        + "server's filter took are not failed.", valueName: "number|n%"))
  var maxErrors = "5%"

  /// Refused, with what to do instead.
  @Option(help: .hidden)
  var correct: String?

  @Option(
    help: ArgumentHelp(
      "Keep replies here, and use those of equal requests to equal models instead of asking again.",
      valueName: "dir"))
  var cache: String?

  @Option(
    help: ArgumentHelp(
      "Stop in time: after so long nothing more is asked, and the exit code is 75, which asks to start "
        + "again with --resume. Seconds, or a number with m or h. An attack that is being trained is "
        + "finished and kept.", valueName: "time"),
    transform: { try TimeSpan.parse($0) })
  var maxTime: Duration?

  @Option(help: Arithmetic.help)
  var arithmetic = Arithmetic.float32

  @OptionGroup var writing: ChatFormatOptions

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
    try check(
      samples == 1 || temperature > 0, "--samples",
      "--temperature above 0 with it, since greedy replies are all the same", temperature)
    try check(
      ErrorLimit(parsing: maxErrors) != nil, "--max-errors", "a number such as 20 or 5%", maxErrors)
    guard correct == nil else {
      throw ValidationError(
        "--correct: a run's rates are corrected by labels of its own replies, which are there only once "
          + "it is measured; label some with loxeval label RUN, and pass the file to loxeval report RUN "
          + "--correct")
    }
    try check(!resume || output != nil, "--resume", "--output with the run's folder", "none")
  }

  /// Opens the judges.
  ///
  /// - Parameters:
  ///   - meter: counts what is paid for.
  ///   - note: told what a judge's server wants otherwise.
  func judges(
    _ servers: ServerOptions, meter: (any TokenMeter)? = nil,
    note: @escaping @Sendable (String) -> Void
  ) async throws -> [any Judge] {
    var source = try judging.source(limits: servers.limits, hiding: try secrets(servers))
    source.meter = meter
    return try await source.open(connections: maxConnections, note: note)
  }

  /// Fields that the requests of models and judges leave out.
  func omitted(_ servers: ServerOptions) -> [String] { servers.omit + judging.judgeOmit }

  /// Everything that any server of the command is shown.
  func secrets(_ servers: ServerOptions) throws -> Secrets {
    var secrets = try servers.secrets
    secrets.formUnion(try judging.secrets)
    return secrets
  }

  /// The run's folder, where it is named.
  var folder: URL? { output.map { URL(filePath: $0) } }

  /// The folder of the run that is continued.
  var continued: URL? { resume ? folder : nil }

  /// - Parameters:
  ///   - standard: the prompt sets where none is named, and how much of them is asked.
  ///   - judges: as `judging` makes them.
  ///   - secrets: of the command, to be left out of its record.
  ///   - prompting: in what other ways harmful requests are asked.
  ///   - deciding: whether the run goes on until its limits are decided.
  ///   - recorded: replies that are there already, in place of sets to ask.
  func measurement(
    threads: Int, standard: StandardSets = Bundled.standard, judges: [any Judge],
    secrets: Secrets, prompting: PromptAttackOptions? = nil, deciding: DecidingOptions? = nil,
    recorded: [RecordedSet]? = nil
  ) throws -> Studies.Measurement {
    let names = dataset.isEmpty ? standard.names : dataset
    // A run that stops by itself takes its prompts from the whole of each set.
    let limit =
      self.limit
      ?? (dataset.isEmpty && deciding?.untilDecided != true ? .first(standard.limit) : .all)
    let sets =
      try recorded?.map(\.set)
      ?? names.map { try PromptSetLoader.load(Bundled.dataset($0), limit: limit.count) }
    var measurement = try Studies.Measurement(
      datasets: sets,
      decoding: Decoding(
        temperature: temperature, maxTokens: maxTokens, maxReasoningTokens: maxReasoningTokens,
        seed: seed), seed: seed,
      samples: recorded?.first?.samples ?? samples, judges: judges,
      limits: reading.limits, maxConnections: maxConnections,
      maxErrors: ErrorLimit(parsing: maxErrors) ?? .share(0.05),
      cache: cache.map { ResponseCache(folder: URL(filePath: $0)) },
      output: URL(filePath: output ?? Self.newFolder()), resume: resume,
      command: RecordedCommand.text(hiding: secrets),
      version: Loxeval.version, threads: threads)
    measurement.arithmetic = arithmetic
    measurement.promptAttacks = try prompting?.forms ?? []
    measurement.deadline = maxTime.map { Deadline(after: $0) }
    try deciding?.apply(to: &measurement)
    return measurement
  }

  /// The options that say how models are asked.
  var givenForAsking: String? {
    if samples != Studies.Measurement.Standard.samples { return "--samples" }
    if maxTokens != Studies.Measurement.Standard.maxTokens { return "--max-tokens" }
    if maxReasoningTokens != nil { return "--max-reasoning-tokens" }
    if temperature != Studies.Measurement.Standard.temperature { return "--temperature" }
    if cache != nil { return "--cache" }
    if arithmetic != .float32 { return "--arithmetic" }
    if !writing.templateArg.isEmpty { return "--template-arg" }
    return writing.givenForOwnWriting
  }

  private static func newFolder() -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    return "reports/run-\(formatter.string(from: .now))"
  }
}

/// How much of a prompt set is asked.
enum PromptLimit: ExpressibleByArgument {
  case first(Int)
  case all

  /// Of a list's first prompts or dialogues.
  static let range = NumberRange(1...10_000_000)

  /// `all`, or a number from 1.
  init?(argument: String) {
    if argument == "all" {
      self = .all
    } else if let count = Int(argument), Self.range.contains(count) {
      self = .first(count)
    } else {
      return nil
    }
  }

  /// None means all.
  var count: Int? {
    switch self {
    case .first(let count): count
    case .all: nil
    }
  }
}

/// A length of time as people write it: `90`, `90s`, `30m`, `2h`.
enum TimeSpan {
  /// In seconds.
  static let range = NumberRange(1.0...31_536_000)

  struct Expected: Error, CustomStringConvertible {
    var description: String {
      "expected seconds, or a number with m or h, such as 90, 30m or 2h, of 1 s to 365 days"
    }
  }

  static func parse(_ text: String) throws -> Duration {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600]
    let unit = text.last.flatMap { units[$0] }
    guard let number = Double(numeral: unit == nil ? text : String(text.dropLast())),
      range.contains(number * (unit ?? 1))
    else { throw Expected() }
    return .seconds(number * (unit ?? 1))
  }
}
