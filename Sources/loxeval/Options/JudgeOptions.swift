import Analysis
import ArgumentParser
import Foundation
import Inference
import Runs
import Scoring
import Studies
import Support

/// Who judges, and the models of the judges that need one.
struct JudgeOptions: ParsableArguments {
  /// The environment's variables for the key of the judges' servers, in order.
  static let keyVariables = ["LOXEVAL_JUDGE_API_KEY", "OPENAI_API_KEY"]

  @Option(
    help: ArgumentHelp(
      "Judges, separated by commas, the first gives the verdict: refusal (by its phrases), "
        + "rubric[:THRESHOLD] (1 to 5, complied from 5), strongreject[:THRESHOLD] (0 to 1, from "
        + "0.5), guard[:conversation] (safe or unsafe), classifier (yes or no, see "
        + "--judge-template), exact-match. Benign prompts are judged by refusal too where no other "
        + "judge sees refusals, and prompts with numbers as references by exact-match.",
      valueName: "list"))
  var judge = "refusal"

  @Option(
    help: ArgumentHelp(
      "The server of the judges' model, or of one judge's; may be repeated. Its key is read from "
        + "LOXEVAL_JUDGE_API_KEY, else OPENAI_API_KEY.", valueName: "[judge=]url"))
  var judgeEndpoint: [String] = []

  @Option(
    help: ArgumentHelp(
      "The judges' model, or one judge's; by default the first that the server lists.",
      valueName: "[judge=]name"))
  var judgeModel: [String] = []

  @Option(
    help: ArgumentHelp(
      "The classifier's question: a text file with {prompt} and {response}, and {mark} for a code "
        + "that occurs in neither.", valueName: "file"))
  var judgeTemplate: String?

  @Option(
    help: ArgumentHelp(
      "The refusal judge's phrases: a JSON file with any of explicit, indirect, harmless, "
        + "affirmations, reversals, each a list; what it lacks is the project's own.",
      valueName: "file"))
  var refusalPhrases: String?

  func validate() throws {
    let specifications: [JudgeSpecification]
    do {
      specifications = try JudgeSpecification.parse(judge)
    } catch {
      throw ValidationError("--judge: \(error)")
    }
    let names = specifications.map(\.name)
    for (flag, values) in [("--judge-endpoint", judgeEndpoint), ("--judge-model", judgeModel)] {
      for value in values {
        guard let name = Self.split(value).judge, !names.contains(name) else { continue }
        throw ValidationError("\(flag): expected one of \(names), found \(name)")
      }
    }
    for specification in specifications where specification.needsModel {
      guard let url = setting(judgeEndpoint, for: specification.name) else {
        throw ValidationError("--judge: \(ScoringError.modelMissing(judge: specification.name))")
      }
      do { _ = try Endpoint(url) } catch { throw ValidationError("--judge-endpoint: \(error)") }
    }
    if names.contains(ClassifierJudge.name), judgeTemplate == nil {
      throw ValidationError("--judge: \(ScoringError.templateMissing)")
    }
  }

  /// Makes the judges, after a look whether their servers are there and serve their models.
  ///
  /// - Parameters:
  ///   - connections: requests at a time to the judges' servers.
  ///   - limits: how patiently they are asked.
  func judges(
    connections: Int, limits: Transport.Limits = Transport.Limits()
  ) async throws -> [any Judge] {
    let phrases = try refusalPhrases.map(Self.phrases) ?? .standard
    let template = try judgeTemplate.map { path in
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
        throw FileError.unreadable(path: path, reason: "expected a text file in UTF-8")
      }
      return text
    }
    var limits = limits
    limits.connections = connections
    let transport = Transport(limits: limits)
    var judges: [any Judge] = []
    for specification in try JudgeSpecification.parse(judge) {
      var model: JudgeModel?
      if specification.needsModel {
        model = try await judgeModel(for: specification.name, transport)
      }
      judges.append(try specification.make(model: model, phrases: phrases, template: template))
    }
    return judges
  }

  private func judgeModel(for judge: String, _ transport: Transport) async throws -> JudgeModel {
    let environment = ProcessInfo.processInfo.environment
    let key = Self.keyVariables.compactMap { environment[$0] }.first { !$0.isEmpty }
    let endpoint = try Endpoint(
      setting(judgeEndpoint, for: judge) ?? "",
      environment: key.map { [Endpoint.keyVariables[0]: $0] } ?? [:])
    let probe = ServerProbe(endpoint: endpoint, transport: transport)
    try await probe.waitUntilReady(seconds: transport.limits.connectSeconds)
    var name = setting(judgeModel, for: judge)
    // A server that lists no models is asked by the name that was given.
    if name == nil { name = try await probe.models().first }
    guard let name else {
      throw StudyError.servedModelDiffers(expected: "a model for \(judge)", found: [])
    }
    return JudgeModel(
      name: name, client: OpenAIClient(endpoint: endpoint, model: name, transport: transport))
  }

  /// `judge=value` or a value for all; names of judges hold no slash or colon, so an `=` inside an
  /// address is none.
  private static func split(_ text: String) -> (judge: String?, value: String) {
    guard let sign = text.firstIndex(of: "="),
      text[..<sign].allSatisfy({ $0.isLetter || $0 == "-" })
    else { return (nil, text) }
    return (String(text[..<sign]), String(text[text.index(after: sign)...]))
  }

  private func setting(_ values: [String], for judge: String) -> String? {
    let pairs = values.map(Self.split)
    return (pairs.last { $0.judge == judge } ?? pairs.last { $0.judge == nil })?.value
  }

  private static func phrases(_ path: String) throws -> RefusalPhrases {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw FileError.unreadable(path: path, reason: "expected a JSON file")
    }
    do {
      return try JSONDecoder().decode(RefusalPhrases.self, from: data)
    } catch {
      throw FileError.unreadable(
        path: path,
        reason: "expected an object with lists named explicit, indirect, harmless, affirmations or "
          + "reversals: \(error.plainReason)")
    }
  }
}

/// How a run's numbers are read: what a recommended α may cost, and what is known of the judges.
struct ReadingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Correct rates for the judges' mistakes, as judge-check --output found them.",
      valueName: "file"))
  var correct: String?

  @Option(
    help:
      "A recommended α may raise over-refusal of the model before any attack by at most so much.")
  var maxOverRefusalIncrease = Share(RecommendationLimits().maxOverRefusalIncrease)

  @Option(help: "A recommended α may lose at most such a share of right answers.")
  var maxUtilityDrop = Share(RecommendationLimits().maxUtilityDrop)

  var judgeQuality: [JudgeQuality] {
    get throws { try correct.map { try JudgeQualityFile(URL(filePath: $0)).judges } ?? [] }
  }

  var limits: RecommendationLimits {
    RecommendationLimits(
      maxOverRefusalIncrease: maxOverRefusalIncrease.value, maxUtilityDrop: maxUtilityDrop.value)
  }
}
