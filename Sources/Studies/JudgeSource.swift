package import Foundation
package import HTTP
package import Inference
package import ModelAccess
package import Scoring
import Support

/// The judges that a command wants, and where those that need a model find it; nothing is opened or read
/// before `open`.
package struct JudgeSource: Sendable {
  /// The model of one judge.
  package struct Model: Sendable {
    package var endpoint: Endpoint
    /// By default the first that the server lists.
    package var name: String?

    package init(endpoint: Endpoint, name: String? = nil) {
      self.endpoint = endpoint
      self.name = name
    }
  }

  /// In order: the first that can judge a set gives its verdict.
  package var specifications: [JudgeSpecification]
  /// By the names of the judges that need one.
  package var models: [String: Model] = [:]
  /// How their models are asked.
  package var form: RequestForm = .usual
  package var limits = Transport.Limits()
  /// The refusal judge's phrases; nil for the project's own.
  package var phrases: URL?
  /// The classifier's question.
  package var template: URL?
  /// The n-gram judge's.
  package var weights: URL?
  /// Counts what requests to their servers take, where that is paid for.
  package var meter: (any TokenMeter)?

  package init(_ specifications: [JudgeSpecification]) { self.specifications = specifications }

  /// Makes the judges, after a look whether their servers are there and serve their models.
  ///
  /// - Parameters:
  ///   - connections: requests at a time to the judges' servers.
  ///   - note: told what a server wants otherwise.
  package func open(
    connections: Int, note: @escaping @Sendable (String) -> Void
  ) async throws -> [any Judge] {
    var limits = limits
    limits.connections = connections
    let transport = Transport(limits: limits)
    let make = try maker()
    var judges: [any Judge] = []
    for specification in specifications {
      var model: JudgeModel?
      if specification.needsModel {
        model = try await open(specification.name, transport, note)
      }
      judges.append(try make(specification, model))
    }
    return judges
  }

  /// The judges with one model in the place of those that they would have.
  func unopened(_ model: JudgeModel) throws -> [any Judge] {
    let make = try maker()
    return try specifications.map { try make($0, $0.needsModel ? model : nil) }
  }

  /// Reads the files, and makes judges by them.
  private func maker() throws -> (JudgeSpecification, JudgeModel?) throws -> any Judge {
    let phrases = try phrases.map(Self.phrases) ?? .standard
    let template = try template.map { file in
      do throws(InputFile.Fault) {
        return try InputFile(file, .settings).text()
      } catch {
        throw FileError(file, error)
      }
    }
    let needsWeights = specifications.contains { $0.name == NGramJudge.name }
    let weights = needsWeights ? try weights.map { try NGramWeights($0) } : nil
    return { specification, model in
      try specification.make(model: model, phrases: phrases, template: template, weights: weights)
    }
  }

  private func open(
    _ judge: String, _ transport: Transport, _ note: @escaping @Sendable (String) -> Void
  ) async throws -> JudgeModel {
    guard let wanted = models[judge] else { throw ScoringError.modelMissing(judge: judge) }
    var probe = ServerProbe(endpoint: wanted.endpoint, transport: transport)
    try await probe.waitUntilReady(seconds: transport.limits.connectSeconds)
    probe = try await probe.located()
    let name = try await probe.model(named: wanted.name)
    let client = OpenAIClient(
      endpoint: probe.endpoint, model: name, transport: transport,
      form: AdaptableForm(form, note: { note("judge \(judge): \($0)") }), meter: meter)
    try await client.tryOut(Decoding(maxTokens: 16))
    // Part of the judge's configuration, and so of the plan.
    let form = client.form.value.label
    return JudgeModel(name: form.isEmpty ? name : "\(name), \(form)", client: client)
  }

  private static func phrases(_ file: URL) throws -> RefusalPhrases {
    do {
      return try JSONDecoder().decode(RefusalPhrases.self, from: InputFile(file, .settings).body)
    } catch let error as InputFile.Fault {
      throw FileError(file, error)
    } catch {
      throw FileError.unreadable(
        path: file.path,
        reason: "expected an object with lists named explicit, indirect, harmless, affirmations, "
          + "reversals, deflections, hints or evasions: \(error.plainReason)")
    }
  }
}
