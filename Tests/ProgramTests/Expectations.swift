import TestNetwork
import Testing

/// Checks that an answer is the problem `name`, whole: status, media type, headers and body.
func expect(
  _ answer: WireAnswer, _ status: Int, _ name: String, pointer: String? = nil,
  at location: SourceLocation = #_sourceLocation
) {
  let said = Comment(rawValue: "answered \(answer.status) \(answer.body)")
  #expect(answer.status == status, said, sourceLocation: location)
  #expect(answer.problem == name, said, sourceLocation: location)
  #expect(answer["pointer"] == pointer, said, sourceLocation: location)
  #expect(answer["status"] == "\(answer.status)", said, sourceLocation: location)
  #expect(answer["title"]?.isEmpty == false, said, sourceLocation: location)
  #expect(
    answer.fields["content-type"] == "application/problem+json", sourceLocation: location)
  #expect(
    (answer.fields["retry-after"] != nil) == [429, 503].contains(status),
    "Retry-After belongs to 429 and 503", sourceLocation: location)
  #expect(
    (answer.fields["allow"] != nil) == (status == 405), "Allow belongs to 405",
    sourceLocation: location)
  expectHeaders(answer, at: location)
}

/// Checks that an answer is a success, with what every body of one has.
func expect(
  _ answer: WireAnswer, _ status: Int, at location: SourceLocation = #_sourceLocation
) {
  #expect(
    answer.status == status, "answered \(answer.status) \(answer.body)", sourceLocation: location)
  if status == 204 {
    #expect(answer.body.isEmpty, sourceLocation: location)
    #expect(answer.fields["content-type"] == nil, sourceLocation: location)
    #expect(answer.fields["x-request-id"]?.isEmpty == false, sourceLocation: location)
  } else {
    #expect(answer.fields["content-type"] == "application/json", sourceLocation: location)
    expectHeaders(answer, at: location)
  }
}

private func expectHeaders(_ answer: WireAnswer, at location: SourceLocation) {
  #expect(answer.fields["x-request-id"]?.isEmpty == false, sourceLocation: location)
  #expect(answer.fields["cache-control"] == "no-store", sourceLocation: location)
  #expect(answer.fields["content-length"] == "\(answer.body.utf8.count)", sourceLocation: location)
  #expect(answer.fields["transfer-encoding"] == nil, sourceLocation: location)
}

/// Published test numbers, by brand.
enum TestCard {
  static let visa = "4111111111111111"
  static let visaOfFrance = "4970105181818183"
  static let visaElectron = "4917300800000000"
  static let mastercard = "5555555555554444"
  static let maestro = "6759649826438453"
  static let amex = "378282246310005"
  /// Luhn holds, and no range of the standard table does.
  static let discover = "6011111111111117"
}
