package import ModelAccess
import Synchronization

/// The form of a client's requests, which changes where the server refuses a field whose lack changes
/// nothing that was asked for.
package final class AdaptableForm: Sendable {
  private let state: Mutex<RequestForm>
  private let note: @Sendable (String) -> Void

  /// - Parameters:
  ///   - form: what is wanted, with what is known to be refused.
  ///   - note: told in a sentence when something is left out.
  package init(
    _ form: RequestForm = .usual, note: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    state = Mutex(form)
    self.note = note
  }

  package var value: RequestForm { state.withLock { $0 } }

  /// Fields of the usual body that servers are known to refuse, in a form.
  static func refusable(_ form: RequestForm) -> [String] {
    ["max_tokens", "temperature", "top_p", "seed", "stream"].filter {
      !form.omitted.contains($0) && !form.refused.contains($0)
    }
  }

  /// What is left out of a request whose fields a server refuses.
  ///
  /// - Parameters:
  ///   - used: the form of the request.
  ///   - said: the server's own words.
  /// - Returns: whether the request may be sent again, in another form.
  /// - Throws: `ChatFailure`, fatal, where what was asked for cannot be had without the field.
  func adapt(
    to refused: [String], of used: RequestForm, _ decoding: Decoding, failure: ChatFailure
  ) throws(ChatFailure) -> Bool {
    // Another request was refused before and has changed it already.
    if value != used { return true }
    for field in refused {
      switch field {
      case "temperature" where decoding.temperature != 1:
        throw Self.unavailable(
          decoding.temperature == 0
            ? "\"temperature\": 0, so greedy decoding cannot be had"
            : "\"temperature\": \(decoding.temperature)", field, failure)
      case "top_p" where decoding.topP != 1:
        throw Self.unavailable("\"top_p\": \(decoding.topP)", field, failure)
      default:
        break
      }
    }
    for field in refused {
      let isNew = state.withLock { form in
        defer { form.refuse(field) }
        return !form.refused.contains(field)
      }
      guard isNew else { continue }
      switch field {
      case "seed":
        note(
          "the server refuses \"seed\": it is left out, and sampled replies differ from run to run")
      case "max_tokens":
        note("the server wants max_completion_tokens in place of max_tokens")
      default:
        note(
          "the server refuses \"\(field)\": it is left out, and its default is what was asked for")
      }
    }
    return !refused.isEmpty
  }

  private static func unavailable(
    _ what: String, _ field: String, _ failure: ChatFailure
  ) -> ChatFailure {
    var failure = failure
    failure.isFatal = true
    failure.message =
      "the server refuses \(what); --omit \(field) lets it decode by its own default, and --temperature "
      + "1 asks for that where it is 1 (\(failure.message))"
    return failure
  }
}
