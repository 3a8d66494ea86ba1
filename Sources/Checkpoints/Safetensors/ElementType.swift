/// The floating-point element types that this project computes on; the raw value is the name that
/// safetensors gives it.
package enum ElementType: String, Hashable, Sendable, CaseIterable {
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"

  /// Bytes of one element.
  package var byteCount: Int { self == .float32 ? 4 : 2 }
}

/// A safetensors `dtype`: one of the element types above, or one that is only carried through,
/// known by its name and size so that a copied checkpoint keeps it.
package struct DataType: Hashable, Sendable, CustomStringConvertible {
  /// The name in the header, such as `BF16` or `I64`.
  package let name: String
  /// Size of one element; below 8 for the packed types F4 and F6.
  package let bitsPerElement: Int
  /// The element type, or nil where the values are carried through unconverted.
  package let elementType: ElementType?

  private init(name: String, bitsPerElement: Int, elementType: ElementType?) {
    self.name = name
    self.bitsPerElement = bitsPerElement
    self.elementType = elementType
  }

  package init(_ elementType: ElementType) {
    self.init(
      name: elementType.rawValue, bitsPerElement: elementType.byteCount * 8,
      elementType: elementType)
  }

  /// The type with a header's name; nil where the format has none of that name.
  package init?(named name: String) {
    if let elementType = ElementType(rawValue: name) {
      self.init(elementType)
    } else if let bits = Self.bitsOfCarriedTypes[name] {
      self.init(name: name, bitsPerElement: bits, elementType: nil)
    } else {
      return nil
    }
  }

  package static let float32 = DataType(.float32)
  package static let float16 = DataType(.float16)
  package static let bfloat16 = DataType(.bfloat16)
  package static let float64 = DataType(name: "F64", bitsPerElement: 64, elementType: nil)

  package var description: String { name }

  /// Bytes of `elementCount` elements; nil where that overflows or ends inside a byte.
  func byteCount(of elementCount: Int) -> Int? {
    let (bits, overflow) = elementCount.multipliedReportingOverflow(by: bitsPerElement)
    return overflow || bits % 8 != 0 ? nil : bits / 8
  }

  /// The rest of the format's types (safetensors 0.8, `enum Dtype`).
  private static let bitsOfCarriedTypes: [String: Int] = [
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "I32": 32, "U32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
  ]
}
