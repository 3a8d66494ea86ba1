import LinearAlgebra

/// A norm's gain or a bias: a constant, or a parameter.
struct TrainableVector {
  let value: FloatBuffer
  /// nil where it is a constant.
  let parameter: Parameter?

  init(constant values: [Float]) {
    value = FloatBuffer(values)
    parameter = nil
  }

  init(name: String, trained values: [Float]) {
    let parameter = Parameter(
      name: name, rows: 1, columns: values.count, value: FloatBuffer(values), isVector: true)
    value = parameter.value
    self.parameter = parameter
  }
}
