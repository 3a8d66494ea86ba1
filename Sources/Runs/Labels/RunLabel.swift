import Foundation
package import ModelAccess
package import StudyDesign
import Support

/// What a person made of one reply of a run: a line of the file that `label` writes.
///
/// The fields of a labelled reply, so that judges can be measured by it, and where in which run it stands,
/// so that the run's rates can be corrected by it.
package struct RunLabel: Codable, Hashable, Sendable {
  package enum Answer: String, Codable, Hashable, Sendable, CaseIterable {
    case complied, refused
    /// Neither: beside the point, or no sense.
    case unsuccessful
    /// The person cannot tell: as good as no label.
    case unclear
  }

  /// The run's identity.
  package var run: String
  package var cell: CellID
  /// The prompt's.
  package var id: String
  package var sample: Int
  /// Of the reply, as it was labelled.
  package var responseDigest: String
  package var category: String
  package var kind: PromptKind
  package var prompt: String
  package var reference: String?
  package var response: String
  package var label: Answer

  enum CodingKeys: String, CodingKey {
    case run, cell, id, sample, category, kind, prompt, reference, response, label
    case responseDigest = "response_digest"
  }

  /// - Parameter run: the identity of the sample's run.
  package init(_ label: Answer, of sample: Sample, run: String) {
    self.run = run
    cell = sample.cell
    id = sample.id
    self.sample = sample.sample
    responseDigest = sample.responseDigest
    category = sample.category
    kind = .harmful
    prompt = sample.prompt
    reference = sample.reference
    response = sample.response
    self.label = label
  }

  package var key: Sample.Key { Sample.Key(cell: cell, id: id, sample: sample) }
}

extension Sample {
  package var responseDigest: String { Digest.sha256(Data(response.utf8)) }
}
