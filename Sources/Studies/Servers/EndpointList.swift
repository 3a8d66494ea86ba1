package import Foundation
import HTTP
package import Inference
import Support

/// Endpoints that may come and go: the lines of a file, or of what a command prints, which is read again
/// and again.
///
/// One address a line; blank lines and those that begin with `#` do not count, and an address that stands
/// there twice counts once.
package struct EndpointList: Sendable {
  package enum Source: Sendable {
    case file(URL)
    /// For the shell. Its standard output counts where it ends with status 0 in time.
    case command(String)
  }

  /// Why a list cannot be taken; the one before it holds.
  package struct Fault: Error, Equatable, CustomStringConvertible {
    package let description: String
  }

  package let source: Source
  /// How long it is until the list is read again.
  package let interval: Duration
  /// How long a run waits where no server of the list can be asked.
  package let patience: Duration
  private let endpoint: @Sendable (String) throws -> Endpoint

  /// How long a command may take.
  static let commandSeconds = 60.0

  /// - Parameter endpoint: makes an endpoint of an address.
  package init(
    _ source: Source, interval: Duration, patience: Duration,
    endpoint: @escaping @Sendable (String) throws -> Endpoint
  ) {
    self.source = source
    self.interval = interval
    self.patience = patience
    self.endpoint = endpoint
  }

  /// What people know it by.
  package var name: String {
    switch source {
    case .file(let file): file.path
    case .command(let command): "`\(Secrets.withoutCredentials(command))`"
    }
  }

  /// The list as it is now.
  package func read() async throws(Fault) -> [Endpoint] {
    switch source {
    case .file(let file): try endpoints(try text(of: file))
    case .command(let command): try endpoints(try await output(of: command))
    }
  }

  /// The file as it is now, to refuse a broken one before anything is done; a command is not run.
  package func requireReadable() throws(Fault) {
    if case .file(let file) = source { _ = try endpoints(try text(of: file)) }
  }

  /// The list once it has stayed the same for a moment, where it is another than before: one that is
  /// being written may end in the middle of an address.
  func read(after known: [Endpoint]) async throws(Fault) -> [Endpoint] {
    var found = try await read()
    guard case .file = source else { return found }
    var last = known
    while found != last {
      last = found
      do { try await Task.sleep(for: Self.moment) } catch { return known }
      found = try await read()
    }
    return found
  }

  private static let moment = Duration.milliseconds(200)

  private func text(of file: URL) throws(Fault) -> String {
    do {
      return try InputFile(file, .settings).text()
    } catch {
      throw Fault(description: "\(file.path): \(error.reason)")
    }
  }

  private func endpoints(_ text: String) throws(Fault) -> [Endpoint] {
    var found: [Endpoint] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let address = line.trimmingCharacters(in: .whitespaces)
      guard !address.isEmpty, !address.hasPrefix("#") else { continue }
      do {
        let endpoint = try endpoint(address)
        if !found.contains(endpoint) { found.append(endpoint) }
      } catch {
        throw Fault(description: "\(name), line \(index + 1): \(error)")
      }
    }
    return found
  }

  private func output(of command: String) async throws(Fault) -> String {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "loxeval-endpoints-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let (output, errors) = (folder.appending(path: "output"), folder.appending(path: "errors"))
    let process: SupervisedCommand
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      // A line of its own, so that a comment at the command's end ends there.
      process = try SupervisedCommand(
        "(\n\(command)\n) 2>\(CommandTemplate.quoted(errors.path))", log: output)
    } catch {
      throw Fault(description: "\(name): \(error.plainReason)")
    }
    let clock = Task {
      try await Task.sleep(for: .seconds(Self.commandSeconds))
      await process.stop(graceSeconds: 1)
    }
    let status = await withTaskCancellationHandler {
      await process.exitStatus()
    } onCancel: {
      Task { await process.stop(graceSeconds: 1) }
    }
    clock.cancel()
    guard status == 0 else {
      let said =
        (try? InputFile(errors, .settings).text()).map {
          $0.trimmingCharacters(in: .whitespacesAndNewlines).suffix(300)
        } ?? ""
      throw Fault(
        description: "\(name): expected status 0 within \(Int(Self.commandSeconds)) s, found "
          + "\(status)" + (said.isEmpty ? "" : ": \(said)"))
    }
    return try text(of: output)
  }
}
