/// The cards of the story: published test numbers.
struct DemoCard {
  let number: String
  /// What the vault should say of it.
  let brands: [String]

  /// As it is printed on the card.
  var printed: String {
    var rest = Substring(number)
    let groups = (number.count == 15 ? [4, 6, 5] : [4, 4, 4, 4]).map { size in
      defer { rest = rest.dropFirst(size) }
      return rest.prefix(size)
    }
    return groups.joined(separator: " ")
  }

  static let all = [
    DemoCard(number: "4970105181818183", brands: ["visa", "cb"]),
    DemoCard(number: "4111111111111111", brands: ["visa"]),
    DemoCard(number: "4917300800000000", brands: ["visa_electron"]),
    DemoCard(number: "5555555555554444", brands: ["mastercard"]),
    DemoCard(number: "6759649826438453", brands: ["maestro"]),
    DemoCard(number: "378282246310005", brands: ["amex"]),
  ]
}
