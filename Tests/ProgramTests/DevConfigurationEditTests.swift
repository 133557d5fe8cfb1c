import Testing

@testable import cadenas_dev

@Suite struct DevConfigurationEditTests {
  private static let text = """
    # listen: here
    listen: 127.0.0.1:1   # mine
    merchants:
      shop:
        acquirers: {credit-du-nord: {constants: {merchant_id: "1"}}}
    acquirers:
      other:
        push: {template: a.yaml, url: https://127.0.0.1:7}
      credit-du-nord:
        # a comment
        push: {template: b.yaml, url: https://127.0.0.1:2, tls: {ca: x}}
      third:
        push: {url: https://127.0.0.1:9}

    """

  @Test func twoValuesAreSetAndEveryOtherByteStays() throws {
    let listen = Endpoint(host: "127.0.0.1", port: 4001)
    var text = try ConfigurationEdit.setListen(listen, in: Self.text)
    text = try ConfigurationEdit.setAcquirer(
      "credit-du-nord", url: "https://127.0.0.1:4002", in: text)
    let expected = Self.text
      .replacing("listen: 127.0.0.1:1   # mine", with: "listen: 127.0.0.1:4001")
      .replacing("https://127.0.0.1:2", with: "https://127.0.0.1:4002")
    #expect(text == expected)
  }

  @Test func whatCannotBeSetIsSaid() {
    #expect(throws: DevelopmentError.self) {
      try ConfigurationEdit.setListen(Endpoint(host: "127.0.0.1", port: 1), in: "store: {}\n")
    }
    for text in ["", "acquirers:\n  other:\n    url: https://127.0.0.1:1\n", "acquirers: {}\n"] {
      #expect(throws: DevelopmentError.self) {
        try ConfigurationEdit.setAcquirer("credit-du-nord", url: "https://127.0.0.1:1", in: text)
      }
    }
  }

  @Test func theFreshConfigurationHasBothLines() throws {
    let text = String(decoding: PackageResources.development_yaml, as: UTF8.self)
    let listen = Endpoint(host: "127.0.0.1", port: 4001)
    #expect(try ConfigurationEdit.setListen(listen, in: text).contains("\nlisten: \(listen)\n"))
    let set = try ConfigurationEdit.setAcquirer(
      "credit-du-nord", url: "https://127.0.0.1:4002", in: text)
    #expect(set.contains("      url: https://127.0.0.1:4002\n"))
  }
}
