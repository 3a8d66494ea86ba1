package import Foundation
import HTTP
package import ModelAccess
import Synchronization

/// vLLM: adapters are loaded at run time and chosen as the request's model, one a request. So each
/// variant becomes one adapter, its updates concatenated, which is loaded for the variant's cells and
/// unloaded after them.
package struct VLLMDialect: ServerDialect {
  /// One variant as a PEFT folder.
  package struct Adapter: Sendable {
    package var name: String
    package var folder: URL
    package var rank: Int

    package init(name: String, folder: URL, rank: Int) {
      self.name = name
      self.folder = folder
      self.rank = rank
    }
  }

  /// The ranks that `--max-lora-rank` takes.
  static let rankLimits = [8, 16, 32, 64, 128, 256, 320, 512]

  package let name = "vllm"
  /// One is kept beside the one that is asked: the bare model comes up again.
  package let preparedLimit = 2
  /// Releases up to 0.32 at least add a loaded adapter to the bare model's requests that share a batch with
  /// the adapter's: on processors (vllm-project/vllm, pull request 48421), and in mixtures of experts on GPUs
  /// (issue 42008).
  package let keepsVariantsApart = false
  private let model: String
  private let nameOfAdapter: @Sendable ([ScaledUpdate]) -> String
  private let write: @Sendable ([ScaledUpdate]) async throws -> Adapter
  private let discard: @Sendable ([ScaledUpdate]) -> Void
  private let prepared = Prepared()

  /// The adapters that are written.
  private final class Prepared: Sendable {
    let adapters = Mutex<[[ScaledUpdate]: Adapter]>([:])
  }

  /// All servers must be able to read the adapters' folders.
  ///
  /// - Parameters:
  ///   - model: the bare model's name.
  ///   - nameOfAdapter: an adapter's name by its variant.
  ///   - write: writes a variant's adapter.
  ///   - discard: removes what `write` wrote.
  package init(
    model: String,
    nameOfAdapter: @escaping @Sendable ([ScaledUpdate]) -> String,
    write: @escaping @Sendable ([ScaledUpdate]) async throws -> Adapter,
    discard: @escaping @Sendable ([ScaledUpdate]) -> Void
  ) {
    self.model = model
    self.nameOfAdapter = nameOfAdapter
    self.write = write
    self.discard = discard
  }

  package func fields(for variant: [ScaledUpdate]) throws(ChatFailure) -> DialectFields {
    var fields = DialectFields()
    fields.model = variant.isEmpty ? model : nameOfAdapter(variant)
    fields.repliesNameTheModel = true
    return fields
  }

  package func prepare(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    guard !variant.isEmpty else { return }
    do {
      let adapter = try await write(variant)
      prepared.adapters.withLock { $0[variant] = adapter }
    } catch {
      throw .fatal("adapter-unwritable", "\(error)")
    }
  }

  package func load(
    _ variant: [ScaledUpdate], at server: ServerProbe, replacing: Bool
  ) async throws(ChatFailure) {
    guard let adapter = prepared.adapters.withLock({ $0[variant] }) else { return }
    if try await server.models().contains(adapter.name) {
      guard replacing else { return }
      // One that an interrupted session left behind has other weights.
      await unload(adapter.name, at: server)
    }
    let response = try await server.post(
      "load_lora_adapter", ["lora_name": adapter.name, "lora_path": adapter.folder.path])
    guard (200..<300).contains(response.status) else {
      throw Self.failure(response, server.endpoint, adapter)
    }
    guard try await server.models().contains(adapter.name) else {
      throw .fatal(
        "adapter-missing",
        "\(server.endpoint): expected \(adapter.name) among its models after loading it, found "
          + "that it is not")
    }
  }

  package func unload(_ variant: [ScaledUpdate], at server: ServerProbe) async {
    guard !variant.isEmpty else { return }
    await unload(nameOfAdapter(variant), at: server)
  }

  package func release(_ variant: [ScaledUpdate]) async {
    guard !variant.isEmpty else { return }
    prepared.adapters.withLock { $0[variant] = nil }
    discard(variant)
  }

  private func unload(_ name: String, at probe: ServerProbe) async {
    // A server that has stopped has unloaded it too.
    _ = try? await probe.post("unload_lora_adapter", ["lora_name": name])
  }

  private static func failure(
    _ response: TransportResponse, _ endpoint: Endpoint, _ adapter: Adapter
  ) -> ChatFailure {
    let said = endpoint.excerpt(response.body)
    let whole = String(decoding: response.body.prefix(4_000), as: UTF8.self)
    if whole.contains("max_lora_rank") || whole.contains("max lora rank") {
      let needed = rankLimits.first { $0 >= adapter.rank }.map { "--max-lora-rank \($0)" }
      return .fatal(
        "adapter-rank",
        "\(endpoint): the adapter \(adapter.name) has rank \(adapter.rank), more than the server "
          + "takes; start it with \(needed ?? "a larger --max-lora-rank, or lower --rank") (\(said))"
      )
    }
    if response.status == 404 || response.status == 405 {
      return .fatal(
        "adapters-unsupported",
        "\(endpoint): expected it to load adapters at run time, found status \(response.status); "
          + "start it with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True (\(said))")
    }
    return .fatal(
      "adapter-refused",
      "\(endpoint): expected it to load \(adapter.folder.path), found status \(response.status): "
        + "\(said); it must run where it can read that folder")
  }
}
