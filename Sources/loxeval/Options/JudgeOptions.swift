import Analysis
import ArgumentParser
import Foundation
import Inference
import ModelAccess
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
      "Judges, separated by commas, the first gives the verdict: "
        + JudgeKind.all.map(\.help).joined(separator: ", ")
        + ". Benign prompts are judged by refusal too where no other "
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
      "As --header, for the judges' servers. May be repeated.", valueName: "name=variable"))
  var judgeHeader: [String] = []

  @Option(
    help: ArgumentHelp("As --extra-body, for the judges' requests.", valueName: "json"))
  var judgeExtraBody: String?

  @Option(
    help: ArgumentHelp("As --omit, for the judges' requests. May be repeated.", valueName: "field"))
  var judgeOmit: [String] = []

  @Option(
    help: ArgumentHelp(
      "The classifier's question: a text file with {prompt} and {response}, and {mark} for a code "
        + "that occurs in neither.", valueName: "file"))
  var judgeTemplate: String?

  @Option(
    help: ArgumentHelp(
      "The refusal judge's phrases: a JSON file with any of explicit, indirect, harmless, "
        + "affirmations, reversals, deflections, hints, evasions, each a list; what it lacks is the "
        + "project's own.", valueName: "file"))
  var refusalPhrases: String?

  @Option(
    help: ArgumentHelp(
      "The ngram judge's weights, as judge-train writes them; by default those of the project.",
      valueName: "file"))
  var ngramWeights: String?

  private var form: RequestFormOptions {
    var form = RequestFormOptions()
    (form.header, form.extraBody, form.omit) = (judgeHeader, judgeExtraBody, judgeOmit)
    return form
  }

  private var requestForm: RequestForm {
    get throws { try form.requestForm(omit: "--judge-omit", extra: "--judge-extra-body") }
  }

  private var credentials: Credentials {
    get throws { try form.credentials(Self.keyVariables, option: "--judge-header") }
  }

  /// Everything that the judges' servers are shown and nobody else may see.
  var secrets: Secrets {
    get throws {
      try judgeEndpoint.reduce(into: try credentials.secrets) {
        $0.formUnion(try Endpoint(Self.split($1).value, credentials: .none).secrets)
      }
    }
  }

  func validate() throws {
    _ = try (credentials, requestForm)
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
      do { _ = try Endpoint(url, credentials: .none) } catch {
        throw ValidationError("--judge-endpoint: \(error)")
      }
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
  ///   - secrets: of the whole command.
  ///   - note: told what a server wants otherwise.
  func judges(
    connections: Int, limits: Transport.Limits = Transport.Limits(), hiding secrets: Secrets,
    note: @escaping @Sendable (String) -> Void
  ) async throws -> [any Judge] {
    let phrases = try refusalPhrases.map(Self.phrases) ?? .standard
    let template = try judgeTemplate.map { path in
      let file = URL(filePath: path)
      do throws(InputFile.Fault) {
        return try InputFile(file, .settings).text()
      } catch {
        throw FileError(file, error)
      }
    }
    let file = ngramWeights.map { URL(filePath: $0) } ?? Bundled.locate("models/ngram-judge.json")
    let needsWeights = try JudgeSpecification.parse(judge).contains { $0.name == NGramJudge.name }
    let weights = needsWeights ? try file.map { try NGramWeights($0) } : nil
    var limits = limits
    limits.connections = connections
    let transport = Transport(limits: limits)
    var judges: [any Judge] = []
    for specification in try JudgeSpecification.parse(judge) {
      var model: JudgeModel?
      if specification.needsModel {
        model = try await judgeModel(for: specification.name, transport, secrets, note)
      }
      judges.append(
        try specification.make(model: model, phrases: phrases, template: template, weights: weights)
      )
    }
    return judges
  }

  private func judgeModel(
    for judge: String, _ transport: Transport, _ secrets: Secrets,
    _ note: @escaping @Sendable (String) -> Void
  ) async throws -> JudgeModel {
    let endpoint = try Endpoint(
      setting(judgeEndpoint, for: judge) ?? "", credentials: credentials
    ).hiding(secrets)
    var probe = ServerProbe(endpoint: endpoint, transport: transport)
    try await probe.waitUntilReady(seconds: transport.limits.connectSeconds)
    probe = try await probe.located()
    let name = try await probe.model(named: setting(judgeModel, for: judge))
    let client = OpenAIClient(
      endpoint: probe.endpoint, model: name, transport: transport,
      form: AdaptableForm(try requestForm, note: { note("judge \(judge): \($0)") }))
    try await client.tryOut(Decoding(maxTokens: 16))
    // Part of the judge's configuration, and so of the plan.
    let form = client.form.value.label
    return JudgeModel(name: form.isEmpty ? name : "\(name), \(form)", client: client)
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
    do {
      return try JSONDecoder().decode(
        RefusalPhrases.self, from: InputFile(URL(filePath: path), .settings).body)
    } catch let error as InputFile.Fault {
      throw FileError(URL(filePath: path), error)
    } catch {
      throw FileError.unreadable(
        path: path,
        reason: "expected an object with lists named explicit, indirect, harmless, affirmations, "
          + "reversals, deflections, hints or evasions: \(error.plainReason)")
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
