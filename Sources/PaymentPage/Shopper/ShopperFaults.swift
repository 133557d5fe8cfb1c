import HTTPTypes
import Hummingbird
import Logging

/// Answers what no route answers, and what failed, with a page in plain words.
struct ShopperFaults: RouterMiddleware {
  let routes: ShopperRoutes

  @concurrent func handle(
    _ request: Request, context: ShopperContext,
    next: @concurrent (Request, ShopperContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as HTTPError where error.status == .notFound {
      return try routes.fault("gone", .notFound, request)
    } catch let error as HTTPError where error.status.kind == .clientError {
      return try routes.fault("fault", error.status, request)
    } catch {
      routes.engine.logger.error(
        "a page is not answered", metadata: ["cause": "\(type(of: error))"])
      return try routes.fault("fault", .internalServerError, request)
    }
  }
}
