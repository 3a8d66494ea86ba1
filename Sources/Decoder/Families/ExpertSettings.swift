import Support

/// The settings of routed experts.
struct ExpertSettings {
  /// Far above any published model's.
  private static let counts = NumberRange(1...4_096)

  private let count: Int
  private let chosen: Int
  private let normalizesShares: Bool
  private let width: Int
  private let hiddenSize: Int
  private let activation: GatedMLPShape.Activation
  private let names: RoutedExpertsShape.SeparateNames

  /// - Parameters:
  ///   - countKeys: the first that the file has says how many experts there are.
  ///   - count, chosen, width: where the file says nothing.
  ///   - widthKey: says how wide an expert is within.
  ///   - names: of the parts of experts that are stored one by one.
  init(
    _ configuration: ModelConfiguration, _ settings: CommonSettings, countKeys: [String],
    count: Int, chosen: Int, normalizesShares: Bool, widthKey: String, width: Int,
    names: RoutedExpertsShape.SeparateNames
  ) throws(DecoderError) {
    let countKey = countKeys.first(where: configuration.has) ?? countKeys[0]
    let chosenKey = "num_experts_per_tok"
    self.count = try configuration.size(countKey, default: count, in: Self.counts)
    self.chosen = try configuration.size(chosenKey, default: chosen, in: Self.counts)
    guard self.chosen <= self.count else {
      throw .invalidSetting(
        file: configuration.file, field: chosenKey, found: "\(self.chosen)",
        expected: "at most the \(self.count) experts that there are")
    }
    self.width = try configuration.size(widthKey, default: width, in: CommonSettings.widths)
    self.normalizesShares = normalizesShares
    hiddenSize = settings.hiddenSize
    activation = settings.activation
    self.names = names
  }

  /// The experts of a block, stored as transformers 5 holds them: one tensor of three dimensions for all
  /// experts' gate and up, and one for their down.
  func shape(_ index: Int) -> RoutedExpertsShape {
    let module = "model.layers.\(index).mlp"
    return RoutedExpertsShape(
      module: module,
      router: LinearShape(module: "\(module).gate", outputs: count, inputs: hiddenSize),
      experts: (0..<count).map { expert in
        GatedMLPShape(
          projections: ProjectionShape(
            fused: LinearShape(
              module: "\(module).experts.gate_up_proj", outputs: 2 * width, inputs: hiddenSize,
              slice: expert),
            widths: [width, width]),
          down: LinearShape(
            module: "\(module).experts.down_proj", outputs: hiddenSize, inputs: width,
            slice: expert),
          activation: activation)
      }, chosen: chosen, normalizesShares: normalizesShares, separateNames: names)
  }
}
