import CKernels
import Foundation
import Support

/// Chooses the next token from logits, by one request's settings and its own random sequence.
struct Sampler {
  private let temperature: Float
  private let topP: Float
  private let topK: Int?
  private let minP: Float
  private let bias: SamplingBias
  private var generator: SplitMix64

  init(_ request: GenerationRequest) {
    temperature = request.temperature
    topP = request.topP
    topK = request.topK
    minP = request.minP
    bias = request.bias
    generator = SplitMix64(seed: request.seed)
  }

  /// - Parameters:
  ///   - tokens: the prompt and the reply so far.
  ///   - promptCount: how many of them are the prompt's.
  /// - Returns: the chosen token; the first of equals when greedy, or where the logits are no numbers.
  mutating func choose(
    _ logits: UnsafeBufferPointer<Float>, after tokens: [Int], promptCount: Int
  ) -> Int {
    guard bias != .none else { return unsafe choose(logits) }
    var biased = unsafe [Float](logits)
    apply(bias, to: &biased, tokens, promptCount)
    return unsafe biased.withUnsafeBufferPointer { unsafe choose($0) }
  }

  private func apply(
    _ bias: SamplingBias, to logits: inout [Float], _ tokens: [Int], _ promptCount: Int
  ) {
    for (id, value) in bias.logits where logits.indices.contains(id) { logits[id] += value }
    if bias.repetition != 1 {
      for id in Set(tokens) {
        logits[id] = logits[id] > 0 ? logits[id] / bias.repetition : logits[id] * bias.repetition
      }
    }
    guard bias.frequency != 0 || bias.presence != 0 else { return }
    var counts: [Int: Float] = [:]
    for id in tokens[promptCount...] { counts[id, default: 0] += 1 }
    for (id, count) in counts { logits[id] -= bias.frequency * count + bias.presence }
  }

  /// Temperature first; then the likeliest `topK`, those of at least `minP`, and of these the smallest
  /// set that reaches `topP`.
  private mutating func choose(_ logits: UnsafeBufferPointer<Float>) -> Int {
    guard let start = logits.baseAddress else { return 0 }
    let likeliest = unsafe Int(loxeval_argmax(start, logits.count))
    // A temperature too small for its reciprocal leaves the likeliest token alone.
    guard temperature > 0, (1 / temperature).isFinite else { return likeliest }
    let scale = Double(1 / temperature)
    let best = unsafe Double(logits[likeliest])
    var candidates: [(id: Int, weight: Double)] = []
    for id in 0..<logits.count {
      let weight = unsafe exp((Double(logits[id]) - best) * scale)
      // The likeliest weighs 1.
      if weight > 1e-12, weight >= Double(minP) { candidates.append((id, weight)) }
    }
    // No comparison with a logit that is no number holds.
    guard !candidates.isEmpty else { return likeliest }
    var total = candidates.reduce(0) { $0 + $1.weight }
    let isCut = topK.map { $0 < candidates.count } == true
    if topP < 1 || isCut {
      candidates.sort { $0.weight == $1.weight ? $0.id < $1.id : $0.weight > $1.weight }
    }
    if let topK, isCut {
      candidates.removeSubrange(topK...)
      total = candidates.reduce(0) { $0 + $1.weight }
    }
    if topP < 1 {
      var kept = 0.0
      let needed = total * Double(topP)
      let end = candidates.firstIndex { candidate in
        kept += candidate.weight
        return kept >= needed
      }
      candidates.removeSubrange((end ?? candidates.count - 1) + 1..<candidates.count)
      total = kept
    }
    var point = generator.nextUnit() * total
    for candidate in candidates {
      point -= candidate.weight
      if point < 0 { return candidate.id }
    }
    return candidates[candidates.count - 1].id
  }

  /// A token with its logprob and those of the `count` likeliest, most probable first.
  static func scored(
    _ token: Int, _ logits: UnsafeBufferPointer<Float>, count: Int
  ) -> GeneratedToken {
    guard let start = logits.baseAddress else {
      return GeneratedToken(id: token, logprob: 0, top: [])
    }
    let normaliser = unsafe loxeval_log_sum_exp(start, logits.count)
    var top: [TokenLogprob] = []
    for id in 0..<logits.count where count > 0 {
      let logprob = unsafe logits[id] - normaliser
      if top.count == count, let last = top.last, logprob <= last.logprob { continue }
      let place = top.firstIndex { $0.logprob < logprob } ?? top.count
      top.insert(TokenLogprob(id: id, logprob: logprob), at: place)
      if top.count > count { top.removeLast() }
    }
    return unsafe GeneratedToken(id: token, logprob: logits[token] - normaliser, top: top)
  }
}

extension GeneratedToken {
  /// Whether its probabilities are numbers.
  var isFinite: Bool {
    logprob?.isFinite != false && top.allSatisfy(\.logprob.isFinite)
  }
}
