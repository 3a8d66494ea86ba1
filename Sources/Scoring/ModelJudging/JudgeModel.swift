import Foundation
package import ModelAccess
import Synchronization

/// A model that judges, behind any server: asked greedily, in one form and if need be another.
package final class JudgeModel: Sendable {
  /// How a verdict is to be written.
  enum Form {
    /// One JSON object, to which the server holds the model where it can.
    case json
    /// Free text with tags, for servers and models that cannot do JSON.
    case tagged
  }

  private struct State {
    /// The server said no to a schema and answered the same question without one: it is not sent again.
    var refusesSchemas = false
    var known: [[ChatMessage]: Judgement] = [:]
  }

  /// The model's name, for provenance.
  package let name: String
  private let client: any ChatCompleting
  private let state = Mutex(State())

  package init(name: String, client: any ChatCompleting) {
    self.name = name
    self.client = client
  }

  /// Asks for a verdict on a reply.
  ///
  /// Degenerate replies are not sent: model judges are unreliable on them. A verdict that does not
  /// parse is asked for once more, as tagged text where JSON was wanted; then the reply is
  /// `unscored`. The same question is not asked twice.
  ///
  /// - Parameters:
  ///   - schema: the form of the verdict; nil where the judge's model has a form of its own.
  ///   - messages: the question, for each form.
  ///   - read: the judgement in the model's words; nil where they are none.
  func judgement(
    of reply: JudgedReply, schema: OutputSchema?, maxTokens: Int,
    messages: (Form) -> [ChatMessage], read: (String) -> Judgement?
  ) async -> Judgement {
    if let reason = DegenerateReply.reason(reply.response) {
      return Judgement(verdict: .degenerate, raw: reason)
    }
    let key = messages(.json)
    if let known = state.withLock({ $0.known[key] }) { return known }
    var wantsJSON = schema != nil && !state.withLock { $0.refusesSchemas }
    var asked = 0
    var wasRefused = false
    var last = ""
    while asked < 2 {
      do throws(ChatFailure) {
        let text = try await client.complete(
          ChatRequest(
            messages: messages(wantsJSON ? .json : .tagged),
            decoding: Decoding(maxTokens: maxTokens), outputSchema: wantsJSON ? schema : nil)
        ).text
        asked += 1
        // One question may be refused for its own sake: only an answer to it shows that it was the schema.
        if wasRefused { state.withLock { $0.refusesSchemas = true } }
        if var judgement = read(text) {
          judgement.raw = judgement.raw ?? text
          state.withLock { $0.known[key] = judgement }
          return judgement
        }
        last = text
        wantsJSON = false
      } catch {
        if wantsJSON, [.http(400), .http(422), .http(501)].contains(error.code) {
          wasRefused = true
          wantsJSON = false
          continue
        }
        return Judgement(verdict: .unscored, failure: error.failure, isFatal: error.isFatal)
      }
    }
    return Judgement(
      verdict: .unscored, raw: last,
      failure: Failure(.judgeUnparsable, "expected a verdict, found \"\(last.prefix(80))\""))
  }
}
