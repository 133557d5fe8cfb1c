import ConfigurationReading
import Testing

@Suite struct BaseURLTests {
  @Test(
    arguments: [
      ("https://pay.example", "pay.example", 443, "", "https://pay.example"),
      ("https://pay.example/", "pay.example", 443, "", "https://pay.example"),
      (
        "https://pay.example:8443/a/b-c_~.d/", "pay.example", 8443, "/a/b-c_~.d",
        "https://pay.example:8443/a/b-c_~.d"
      ),
      ("https://127.0.0.1:1", "127.0.0.1", 1, "", "https://127.0.0.1:1"),
      ("https://[::1]:8443/v1", "::1", 8443, "/v1", "https://[::1]:8443/v1"),
      ("https://[2001:db8::1]", "2001:db8::1", 443, "", "https://[2001:db8::1]"),
    ] as [(String, String, UInt16, String, String)])
  func `a URL of the form is taken apart`(
    text: String, host: String, port: UInt16, path: String, description: String
  ) throws {
    let url = try #require(BaseURL(text))
    #expect(url.host == host)
    #expect(url.port == port)
    #expect(url.path == path)
    #expect(url.description == description)
  }

  @Test(arguments: [
    "", "https://", "http://pay.example", "HTTPS://pay.example", "https://Pay.example",
    "https://user@pay.example", "https://pay.example?x", "https://pay.example/#x",
    "https://pay.example/a//b", "https://pay.example/../a", "https://pay.example/%41",
    "https://pay.example:0", "https://pay.example:65536", "https://pay.example:",
    "https://pay.example:+1", "https://pay.example:01", "https://pay_.example",
    "https://-a.example",
    "https://a..example", "https://[::1", "https://[::1]x", "https://[]", "https://::1",
    "https://pay.example/a b", "https://pay.example/é", "https://pay.example/a\n",
    "https://[::1]]:1",
  ])
  func `anything else is not a base URL`(_ text: String) {
    #expect(BaseURL(text) == nil)
  }
}
