import Foundation
import Support

extension Hub {
  /// How people are told where the hub is.
  private var hubName: String {
    Secrets.withoutCredentials(environment.endpoint.absoluteString)
  }

  /// Why a model is not in the cache, where nothing but the cache may be asked.
  func absence(_ reference: RepositoryReference, known: String?, missing: [String]) -> String {
    let place = environment.cache.path
    let rule = "and HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids asking for it"
    guard let known, !missing.isEmpty else {
      return "the hub's cache \(place) has nothing of its revision \(reference.revision), \(rule)"
    }
    return
      "the hub's cache \(place) has no \(missing.joined(separator: ", ")) of its commit \(known), \(rule)"
  }

  /// What kept the hub from giving a model, with what to do.
  func sentence(
    _ failure: HubFailure, _ reference: RepositoryReference, _ token: HubEnvironment.Token?
  ) -> String {
    switch failure {
    case .unreachable(let reason):
      "\(hubName) could not be asked: \(reason)"
    case .answer(let reason):
      "\(hubName) answered otherwise than a hub does: \(reason)"
    case .status(let status, let code, let message):
      refusal(status, code, reference, token) + (message.isEmpty ? "" : " (\(message))")
    }
  }

  private func refusal(
    _ status: Int, _ code: String, _ reference: RepositoryReference,
    _ token: HubEnvironment.Token?
  ) -> String {
    let repository = reference.repository
    let page = "\(hubName)/\(repository)"
    let ask = "ask for access at \(page)"
    switch (status, code, token) {
    case (401, "GatedRepo", nil), (403, "GatedRepo", nil):
      return "\(repository) is gated: \(ask), and name a token of yours in HF_TOKEN"
    case (401, "GatedRepo", let token?), (403, "GatedRepo", let token?):
      return
        "\(repository) is gated, and the owner of the token of \(token.source) may not read it: \(ask)"
    case (401, _, nil):
      return
        "\(hubName) has no public model of that name: it is misspelt, or private and needs a token, in "
        + "HF_TOKEN or in the file that HF_TOKEN_PATH names"
    case (401, _, let token?):
      return
        "\(hubName) has no such model for the token of \(token.source), or does not take that token"
    case (403, _, let token):
      return "\(hubName) does not let "
        + (token.map { "the token of \($0.source)" } ?? "those without a token") + " read it"
    case (404, "RevisionNotFound", _):
      return "\(repository) has no revision \(reference.revision) at \(hubName)"
    case (404, "EntryNotFound", _):
      return "\(repository) lacks a file that it lists"
    case (404, _, _):
      return "\(hubName) has no model \(repository)"
        + (code.isEmpty ? " with a revision \(reference.revision)" : "")
    case (429, _, _):
      return "\(hubName) is asked too often (status 429); try again later"
    default:
      return "\(hubName) answered with status \(status)"
    }
  }
}
