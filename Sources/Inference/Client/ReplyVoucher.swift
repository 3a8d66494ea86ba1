import ModelAccess

/// What a reply says of where it comes from.
struct ReplyOrigin: Hashable, Sendable {
  /// `system_fingerprint`: of the build and its configuration; nil where the server says none.
  var fingerprint: String?
  /// What the reply calls its model.
  var model: String?
}

/// Answers for replies: that the server which gave one is yet the one that was shown to serve the model.
///
/// Without one every reply counts, as where a server is this process's own or cannot be checked.
protocol ReplyVoucher: Sendable {
  /// A server answered something over a connection that was opened for it: it may have been started again
  /// since it was checked.
  func doubt(_ server: Int) async

  /// A server could not be reached, or broke the connection.
  func lose(_ server: Int) async

  /// Whether an answer may count; it is asked for elsewhere otherwise. Returns once that is known, which a
  /// check of the server may have to find out.
  ///
  /// - Parameters:
  ///   - origin: nil where the response is no completion.
  ///   - isFatal: whether it says that no request can succeed, which may be true of this server alone.
  /// - Throws: `ChatFailure`, fatal, where no server can be checked.
  func vouches(
    for server: Int, as variant: [ScaledUpdate], from origin: ReplyOrigin?, isFatal: Bool
  ) async throws(ChatFailure) -> Bool
}
