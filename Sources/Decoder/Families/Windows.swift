/// Which blocks see a window, and how far it reaches.
struct Windows {
  /// Of each block; nil sees all.
  let byBlock: [Int?]

  init(byBlock: [Int?]) { self.byBlock = byBlock }

  /// Reads `sliding_window` and `layer_types`.
  ///
  /// - Parameters:
  ///   - fallback: the window where the file has no such key; null there is none.
  ///   - isWindowed: of each block, where the file has no `layer_types`.
  init(
    _ configuration: ModelConfiguration, blocks: Int, default fallback: Int?,
    isWindowed: (Int) -> Bool
  ) throws(DecoderError) {
    let window = try Self.size(configuration, default: fallback)
    byBlock = try Self.areWindowed(configuration, blocks: blocks, isWindowed: isWindowed).map {
      $0 ? window : nil
    }
  }

  /// Reads `sliding_window`: a window over every block that has one.
  ///
  /// - Parameter fallback: where the file has no such key; null there is no window.
  static func size(
    _ configuration: ModelConfiguration, default fallback: Int?
  ) throws(DecoderError) -> Int? {
    let key = CommonSettings.Key.window.rawValue
    return configuration.states(key) ? try configuration.window(key) : fallback
  }

  /// Which blocks are of the windowed type, whether or not there is a window.
  static func areWindowed(
    _ configuration: ModelConfiguration, blocks: Int, isWindowed: (Int) -> Bool
  ) throws(DecoderError) -> [Bool] {
    let key = CommonSettings.Key.layerTypes.rawValue
    guard let types = try configuration.texts(key) else { return (0..<blocks).map(isWindowed) }
    guard types.count == blocks else {
      throw .invalidSetting(
        file: configuration.file, field: key, found: "\(types.count)",
        expected: "one for each of the \(blocks) layers")
    }
    let known = ["full_attention", "sliding_attention"]
    if let other = types.first(where: { !known.contains($0) }) {
      throw .unsupportedSetting(file: configuration.file, field: key, found: other)
    }
    return types.map { $0 == known[1] }
  }
}
