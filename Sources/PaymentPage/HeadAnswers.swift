import HTTPTypes
import Hummingbird

/// Answers HEAD as GET, without the body: one that came all the same would be taken for the next answer of
/// the connection.
struct HeadAnswers<Context: RequestContext>: RouterMiddleware {
  @concurrent func handle(
    _ request: Request, context: Context,
    next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    guard request.method == .head else { return try await next(request, context) }
    var response: Response
    do {
      response = try await next(request, context)
    } catch let error as any HTTPResponseError {
      response = try error.response(from: request, context: context)
    }
    let length = response.body.contentLength
    response.body = ResponseBody(contentLength: length) { writer in try await writer.finish(nil) }
    return response
  }
}
