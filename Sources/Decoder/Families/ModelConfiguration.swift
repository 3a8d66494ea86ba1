package import Foundation
import Support

/// A model folder's `config.json`, read setting by setting.
///
/// A setting that is null counts as absent, as in `transformers`.
package struct ModelConfiguration: Sendable {
  /// The file, and the key that leads to this part of it, for error messages.
  let file: String
  private let settings: JSONNode
  /// Leads from the file's top to these settings; empty at the top.
  private let path: String

  /// Reads `config.json`.
  package init(folder: URL) throws(DecoderError) {
    try self.init(fileAt: folder.appending(path: "config.json"))
  }

  private init(fileAt url: URL) throws(DecoderError) {
    let file: InputFile
    do throws(InputFile.Fault) {
      file = try InputFile(url, .settings)
    } catch {
      throw .unreadableConfiguration(file: url.path, reason: error.reason)
    }
    try self.init(parsing: file.body, file: url.path)
  }

  /// - Parameter file: where the data stand or will stand.
  init(parsing data: Data, file: String) throws(DecoderError) {
    do {
      settings = try JSONNode(parsing: [UInt8](data))
    } catch {
      throw .unreadableConfiguration(
        file: file, reason: "\(error.reason) at byte \(error.offset)")
    }
    guard settings.members != nil else {
      throw .unreadableConfiguration(file: file, reason: "it is \(settings.kind)")
    }
    self.file = file
    path = ""
  }

  private init(file: String, settings: JSONNode, path: String) {
    self.file = file
    self.settings = settings
    self.path = path
  }

  private func value(_ key: String) -> JSONNode? {
    guard let value = settings[key], value != .null else { return nil }
    return value
  }

  private func invalid(_ key: String, _ value: JSONNode, _ expected: String) -> DecoderError {
    .invalidSetting(file: file, field: path + key, found: value.excerpt, expected: expected)
  }

  /// Whether the file has a setting at all, be it null.
  func states(_ key: String) -> Bool { settings[key] != nil }

  /// A list of integers.
  func integers(_ key: String) throws(DecoderError) -> [Int]? {
    guard let value = value(key) else { return nil }
    let integers = value.elements?.compactMap(\.integer)
    guard let integers, integers.count == value.elements?.count else {
      throw invalid(key, value, "a list of integers")
    }
    return integers
  }

  /// Whether it has no settings.
  var isEmpty: Bool { settings.members?.isEmpty != false }

  /// A list of numbers.
  func numbers(_ key: String) throws(DecoderError) -> [Double]? {
    guard let value = value(key) else { return nil }
    let numbers = value.elements?.compactMap(\.double)
    guard let numbers, numbers.count == value.elements?.count else {
      throw invalid(key, value, "a list of numbers")
    }
    return numbers
  }

  /// The language model's part of a file that describes others beside it (`text_config`); what the file says
  /// of the whole counts for it too. nil where there is none.
  func textPart() throws(DecoderError) -> ModelConfiguration? {
    guard let text = try section("text_config") else { return nil }
    let shared = ["tie_word_embeddings", "dtype", "torch_dtype"].compactMap { key in
      value(key).map { JSONNode.Member(key: key, value: $0) }
    }
    let own = (text.settings.members ?? []).filter { member in
      !shared.contains { $0.key == member.key }
    }
    return ModelConfiguration(file: file, settings: .object(own + shared), path: text.path)
  }

  /// Whether a setting is there.
  func has(_ key: String) -> Bool { value(key) != nil }

  func text(_ key: String) throws(DecoderError) -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value.text else { throw invalid(key, value, "a string") }
    return text
  }

  func flag(_ key: String) throws(DecoderError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard let flag = value.flag else { throw invalid(key, value, "true or false") }
    return flag
  }

  func number(_ key: String) throws(DecoderError) -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value.double else { throw invalid(key, value, "a number") }
    return number
  }

  /// A finite number above 0.
  ///
  /// - Parameter fallback: taken where the file says nothing.
  func positive(_ key: String, default fallback: Double) throws(DecoderError) -> Double {
    guard let value = value(key) else { return fallback }
    guard let number = value.double, number.isFinite, number > 0 else {
      throw invalid(key, value, "a positive number")
    }
    return number
  }

  func integer(_ key: String) throws(DecoderError) -> Int? {
    guard let value = value(key) else { return nil }
    guard let integer = value.integer ?? value.double.flatMap(Int.init(exactly:)) else {
      throw invalid(key, value, "an integer")
    }
    return integer
  }

  /// A size.
  ///
  /// - Parameters:
  ///   - fallback: taken where the file says nothing; nil requires it to.
  ///   - range: what it may be.
  func size(
    _ key: String, default fallback: Int? = nil, in range: NumberRange<Int> = Self.sizes
  ) throws(DecoderError) -> Int {
    let found = try integer(key) ?? fallback
    guard let found, range.contains(found) else {
      throw .invalidSetting(
        file: file, field: path + key, found: found.map(String.init) ?? "nothing",
        expected: range.phrase)
    }
    return found
  }

  /// A number of a range; nil where the file says nothing.
  func number(
    _ key: String, in range: NumberRange<Double>
  ) throws(DecoderError) -> Double? {
    guard let number = try number(key) else { return nil }
    guard range.contains(number) else {
      throw .invalidSetting(
        file: file, field: path + key, found: Number.text(number), expected: range.phrase)
    }
    return number
  }

  /// How far back attention looks, in tokens; nil where the file says nothing, 0 or −1.
  func window(_ key: String) throws(DecoderError) -> Int? {
    guard let window = try integer(key) else { return nil }
    let range = NumberRange(-1...Self.sizes.most)
    guard range.contains(window) else {
      throw .invalidSetting(
        file: file, field: path + key, found: "\(window)", expected: range.phrase)
    }
    return window > 0 ? window : nil
  }

  /// Of what no other range is stated for, such as windows and lengths in tokens.
  static let sizes = NumberRange(1...Int(Int32.max))

  /// A list of strings.
  func texts(_ key: String) throws(DecoderError) -> [String]? {
    guard let value = value(key) else { return nil }
    let texts = value.elements?.compactMap(\.text)
    guard let texts, texts.count == value.elements?.count else {
      throw invalid(key, value, "a list of strings")
    }
    return texts
  }

  /// A group of settings within these.
  func section(_ key: String) throws(DecoderError) -> ModelConfiguration? {
    guard let value = value(key) else { return nil }
    guard value.members != nil else { throw invalid(key, value, "an object") }
    return ModelConfiguration(file: file, settings: value, path: "\(path)\(key).")
  }

  /// One token id or a list of them: both occur in published files.
  private func tokenIDs(_ key: String) throws(DecoderError) -> [Int]? {
    guard let value = value(key) else { return nil }
    let elements = value.elements ?? [value]
    let ids = elements.compactMap(\.integer)
    guard ids.count == elements.count else { throw invalid(key, value, "a token id or several") }
    return ids
  }

  /// Ids that end a reply, from `generation_config.json` beside the file or else from the file.
  package func endOfSequenceIDs() throws(DecoderError) -> [Int] {
    let key = "eos_token_id"
    let generation = URL(filePath: file).deletingLastPathComponent()
      .appending(path: "generation_config.json")
    if FileManager.default.fileExists(atPath: generation.path) {
      let other = try ModelConfiguration(fileAt: generation)
      if let ids = try other.tokenIDs(key), !ids.isEmpty { return ids }
    }
    return try tokenIDs(key) ?? []
  }
}
