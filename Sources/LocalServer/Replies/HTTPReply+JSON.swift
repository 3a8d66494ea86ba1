import Foundation

extension HTTPReply {
  static func json(_ value: some Encodable, status: Int = 200) -> HTTPReply {
    HTTPReply(
      status: status, headers: [("Content-Type", "application/json")],
      body: .whole(Reply.encode(value)))
  }

  static func error(_ error: APIError) -> HTTPReply { json(error, status: error.status) }
}
