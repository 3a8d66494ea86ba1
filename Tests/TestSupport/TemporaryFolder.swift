package import Foundation

/// A folder of its own for one test, removed with its owner.
package final class TemporaryFolder: Sendable {
  package let url: URL

  package init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "loxeval-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file below the folder and returns its place.
  @discardableResult
  package func write(_ data: Data, _ path: String) throws -> URL {
    let file = url.appending(path: path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: file)
    return file
  }

  @discardableResult
  package func write(_ text: String, _ path: String) throws -> URL {
    try write(Data(text.utf8), path)
  }
}

/// Things in place of files.
package enum OddFile {
  /// Puts a named pipe that nobody writes to in the place of what is there.
  package static func makePipe(at place: URL) throws {
    try? FileManager.default.removeItem(at: place)
    guard unsafe mkfifo(place.path, 0o600) == 0 else { throw CocoaError(.fileWriteUnknown) }
  }

  /// Gives a file a size; what is added takes no room on the disk.
  package static func resize(_ place: URL, to count: Int) throws {
    if !FileManager.default.fileExists(atPath: place.path) { try Data().write(to: place) }
    guard unsafe truncate(place.path, off_t(count)) == 0 else {
      throw CocoaError(.fileWriteUnknown)
    }
  }

  /// Sets a file's time to long ago.
  package static func age(_ place: URL) throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: place.path)
  }

  /// Binds a socket there.
  package static func makeSocket(at place: URL) throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) {
      unsafe $0.copyBytes(from: place.path.utf8)
    }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let status = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, size)
      }
    }
    close(descriptor)
    guard status == 0 else { throw CocoaError(.fileWriteUnknown) }
  }
}
