import Analysis
import ArgumentParser
import Foundation
import HTTP
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
        + ". Benign prompts are judged by refusal too where no other judge sees refusals, and "
        + "prompts with numbers as references by exact-match. (default: \(RefusalJudge.name); rejudge has none)",
      valueName: "list"))
  var judge: String?

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
        + "affirmations, reversals, deflections, hints, evasions, signs, each a list; what it lacks is the "
        + "project's own.", valueName: "file"))
  var refusalPhrases: String?

  @Option(
    help: ArgumentHelp(
      "The ngram judge's weights, as judge-train writes them; by default those of the project.",
      valueName: "file"))
  var ngramWeights: String?

  /// What `--judge` says, or stands for.
  private var list: String { judge ?? RefusalJudge.name }

  private var form: RequestFormTexts {
    RequestFormTexts(header: judgeHeader, extraBody: judgeExtraBody, omit: judgeOmit)
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
      specifications = try JudgeSpecification.parse(list)
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

  /// The names of the judges that ask servers.
  var asking: [String] {
    get throws { try JudgeSpecification.parse(list).filter(\.needsModel).map(\.name) }
  }

  /// The judges, to be opened.
  ///
  /// - Parameters:
  ///   - limits: how patiently their servers are asked.
  ///   - secrets: of the whole command.
  func source(
    limits: Transport.Limits = Transport.Limits(), hiding secrets: Secrets
  ) throws -> JudgeSource {
    var source = JudgeSource(try JudgeSpecification.parse(list))
    for specification in source.specifications where specification.needsModel {
      let name = specification.name
      source.models[name] = JudgeSource.Model(
        endpoint: try Endpoint(setting(judgeEndpoint, for: name) ?? "", credentials: credentials)
          .hiding(secrets),
        name: setting(judgeModel, for: name))
    }
    source.form = try requestForm
    source.limits = limits
    source.phrases = refusalPhrases.map { URL(filePath: $0) }
    source.template = judgeTemplate.map { URL(filePath: $0) }
    source.weights =
      ngramWeights.map { URL(filePath: $0) } ?? Bundled.locate("models/ngram-judge.json")
    return source
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
}

/// How a run's numbers are read: what a recommended α may cost.
struct ReadingOptions: ParsableArguments {
  @Option(
    help:
      "A recommended α may raise over-refusal of the model before any attack by at most so much.")
  var maxOverRefusalIncrease = Share(RecommendationLimits().maxOverRefusalIncrease)

  @Option(help: "A recommended α may lose at most such a share of right answers.")
  var maxUtilityDrop = Share(RecommendationLimits().maxUtilityDrop)

  var limits: RecommendationLimits {
    RecommendationLimits(
      maxOverRefusalIncrease: maxOverRefusalIncrease.value, maxUtilityDrop: maxUtilityDrop.value)
  }
}
