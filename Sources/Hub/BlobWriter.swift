import Crypto
import Foundation
import HTTP

/// Writes what comes of a blob to its file, and computes the digest that its name is.
final class BlobWriter: BodySink, @unchecked Sendable {
  // Unchecked: whoever fetches waits while the transfer's thread calls `take`, and looks only before and
  // after.

  /// How a name says what the contents must be.
  private enum Digest {
    /// Large files: SHA-256 of the bytes.
    case sha256(SHA256)
    /// All others: SHA-1 of git's header and the bytes.
    case git(Insecure.SHA1)
    /// Of hubs that name blobs otherwise.
    case none

    init(_ head: FileHead) {
      switch head.etag.utf8.count {
      case 64 where Hexadecimal.isDigits(head.etag): self = .sha256(SHA256())
      case 40 where Hexadecimal.isDigits(head.etag):
        var hash = Insecure.SHA1()
        hash.update(data: Data("blob \(head.size)\0".utf8))
        self = .git(hash)
      default: self = .none
      }
    }

    mutating func update(_ data: Data) {
      switch self {
      case .sha256(var hash):
        self = .none
        hash.update(data: data)
        self = .sha256(hash)
      case .git(var hash):
        self = .none
        hash.update(data: data)
        self = .git(hash)
      case .none: break
      }
    }

    var text: String? {
      switch self {
      case .sha256(let hash): Hexadecimal.text(hash.finalize())
      case .git(let hash): Hexadecimal.text(hash.finalize())
      case .none: nil
      }
    }
  }

  let head: FileHead
  private let place: URL
  private let descriptor: Int32
  private let progress: @Sendable (_ further: Int) -> Void
  private var digest: Digest
  /// The bytes that are there.
  private(set) var count = 0
  /// Whether some of them were there before.
  private(set) var isResumed = false
  private var isFirstPiece = true

  /// Goes on with what an earlier fetch left.
  ///
  /// - Parameter progress: told how many bytes have come; fewer than none where it begins anew.
  init(
    _ head: FileHead, at place: URL, progress: @escaping @Sendable (_ further: Int) -> Void
  ) throws(HubError) {
    self.head = head
    self.place = place
    self.progress = progress
    digest = Digest(head)
    descriptor = unsafe open(place.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else {
      throw .cache(path: place.path, reason: "cannot be written: \(CachedRepository.reason(errno))")
    }
    try readWhatIsThere()
  }

  deinit { close(descriptor) }

  private func readWhatIsThere() throws(HubError) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw .cache(path: place.path, reason: "expected a file or nothing there")
    }
    guard Int(status.st_size) <= head.size else { return beginAnew() }
    var piece = Data(count: 1 << 20)
    while true {
      let read = unsafe piece.withUnsafeMutableBytes { [descriptor] buffer in
        unsafe Foundation.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if read < 0 && errno == EINTR { continue }
      guard read > 0 else { break }
      digest.update(piece.prefix(read))
      count += read
    }
    isResumed = count > 0
    progress(count)
  }

  /// Forgets what is there.
  func beginAnew() {
    _ = ftruncate(descriptor, 0)
    lseek(descriptor, 0, SEEK_SET)
    progress(-count)
    count = 0
    isResumed = false
    digest = Digest(head)
  }

  /// A request for the bytes from `count` on is about to be sent.
  func expectAnswer() { isFirstPiece = true }

  func take(_ piece: Data, of answer: ResponseHead) -> String? {
    if isFirstPiece, let reason = begin(answer) { return reason }
    isFirstPiece = false
    guard count + piece.count <= head.size else {
      return "expected \(head.size) bytes, and more than those came"
    }
    var rest = piece
    while !rest.isEmpty {
      let written = unsafe rest.withUnsafeBytes { [descriptor] buffer in
        unsafe write(descriptor, buffer.baseAddress, buffer.count)
      }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { return "writing failed: \(CachedRepository.reason(errno))" }
      rest = rest.dropFirst(written)
    }
    digest.update(piece)
    count += piece.count
    progress(piece.count)
    return nil
  }

  /// Looks whether the answer's bytes are those that are lacking.
  private func begin(_ answer: ResponseHead) -> String? {
    if answer.status == 206 {
      let range = answer.headers["content-range"] ?? ""
      guard range.hasPrefix("bytes \(count)-") else {
        return "expected bytes from \(count) on, and the answer is of \"\(range.prefix(60))\""
      }
      return nil
    }
    // The whole, whatever was asked for.
    if count > 0 { beginAnew() }
    guard let length = answer.headers["content-length"].flatMap({ Int($0) }), length != head.size
    else { return nil }
    return "expected \(head.size) bytes, and the answer has \(length)"
  }

  /// Checks the whole and gives it its name.
  ///
  /// - Returns: what is wrong with it; what was written is then gone.
  func finish(as blob: URL) throws(HubError) -> String? {
    guard count == head.size else {
      return "expected \(head.size) bytes, and \(count) came"
    }
    if let found = digest.text, found != head.etag {
      _ = unsafe unlink(place.path)
      return "its bytes have the digest \(found), and the hub says \(head.etag)"
    }
    guard fsync(descriptor) == 0, unsafe rename(place.path, blob.path) == 0 else {
      throw .cache(path: blob.path, reason: "cannot be written: \(CachedRepository.reason(errno))")
    }
    return nil
  }
}
