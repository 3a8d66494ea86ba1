import ChatTemplates
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

  static func notFound(
    _ message: String, param: String? = nil, code: String? = nil
  ) -> APIError {
    APIError(
      status: 404,
      error: Body(message: message, type: "invalid_request_error", param: param, code: code))
  }

  static func methodNotAllowed(_ method: String, _ path: String, allowed: String) -> APIError {
    refused(405, "\(path) takes \(allowed), not \(method)", code: "method_not_allowed")
  }

  static func forbidden(_ message: String, code: String) -> APIError {
    refused(403, message, code: code)
  }

  static func tooLarge(limit: Int) -> APIError {
    refused(
      413, "the request body is larger than \(limit) bytes; send a shorter one",
      code: "request_too_large")
  }

  static func targetTooLong(limit: Int) -> APIError {
    refused(
      414, "the request's address is longer than \(limit) bytes; send what it says in the body",
      code: "address_too_long")
  }

  static func headersTooLarge(limit: Int) -> APIError {
    refused(
      431, "the request's headers are larger than \(limit) bytes; leave some out",
      code: "headers_too_large")
  }

  private static func refused(_ status: Int, _ message: String, code: String) -> APIError {
    APIError(
      status: status,
      error: Body(message: message, type: "invalid_request_error", param: nil, code: code))
  }

  static func server(_ message: String) -> APIError {
    APIError(
      status: 500, error: Body(message: message, type: "server_error", param: nil, code: nil))
  }

  /// What a refusal of the engine or of the chat format means to a client.
  ///
  /// - Parameter field: what the request's text came from.
  static func from(_ error: any Error, field: String = "messages") -> APIError {
    switch error {
    case let error as APIError:
      return error
    case let error as ChatFormatError:
      return .invalid(error.withoutPlaces, param: field)
    case let error as DecoderError:
      switch error {
      case .promptTooLong:
        return .invalid("\(error)", param: field, code: "context_length_exceeded")
      case .emptyPrompt, .tokenOutOfRange:
        return .invalid("\(error)", param: field)
      case .stopped:
        return APIError(
          status: 503,
          error: Body(message: "\(error)", type: "server_error", param: nil, code: "stopped"))
      case .notANumber:
        // The same request would come to the same end: nothing that a client should try again.
        return refused(422, "\(error)", code: "numbers_out_of_range")
      default:
        return .invalid("\(error)")
      }
    default:
      return .server("\(error)")
    }
  }
}
