import Decoder
import Foundation

/// A refusal in the form that OpenAI clients read.
struct APIError: Error, Encodable {
  struct Body: Encodable {
    var message: String
    var type: String
    var param: String?
    var code: String?

    enum CodingKeys: String, CodingKey { case message, type, param, code }

    /// Clients expect all four keys, null where there is nothing to say.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(message, forKey: .message)
      try container.encode(type, forKey: .type)
      try container.encode(param, forKey: .param)
      try container.encode(code, forKey: .code)
    }
  }

  var status: Int
  var error: Body

  enum CodingKeys: String, CodingKey { case error }

  static func invalid(_ message: String, param: String? = nil, code: String? = nil) -> APIError {
    APIError(
      status: 400,
      error: Body(message: message, type: "invalid_request_error", param: param, code: code))
  }

  static func notFound(_ message: String, code: String? = nil) -> APIError {
    APIError(
      status: 404,
      error: Body(message: message, type: "invalid_request_error", param: nil, code: code))
  }

  static func methodNotAllowed(_ method: String, _ path: String, allowed: String) -> APIError {
    APIError(
      status: 405,
      error: Body(
        message: "\(path) takes \(allowed), not \(method)", type: "invalid_request_error",
        param: nil, code: "method_not_allowed"))
  }

  static func tooLarge(limit: Int) -> APIError {
    APIError(
      status: 413,
      error: Body(
        message: "the request body is larger than \(limit) bytes; send a shorter one",
        type: "invalid_request_error", param: nil, code: "request_too_large"))
  }

  static func server(_ message: String) -> APIError {
    APIError(
      status: 500, error: Body(message: message, type: "server_error", param: nil, code: nil))
  }

  /// What an engine's refusal means to a client.
  static func from(_ error: any Error) -> APIError {
    switch error {
    case let error as APIError:
      return error
    case let error as DecoderError:
      switch error {
      case .promptTooLong:
        return .invalid("\(error)", param: "messages", code: "context_length_exceeded")
      case .stopped:
        return APIError(
          status: 503,
          error: Body(message: "\(error)", type: "server_error", param: nil, code: "stopped"))
      case .notANumber:
        return .server("\(error)")
      default:
        return .invalid("\(error)")
      }
    default:
      return .server("\(error)")
    }
  }
}
