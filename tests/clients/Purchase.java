import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.api.CouponsApi;
import org.openapitools.client.api.OrdersApi;
import org.openapitools.client.api.PointsApi;
import org.openapitools.client.api.RankingsApi;
import org.openapitools.client.model.BadRequest;
import org.openapitools.client.model.BasketLineRequest;
import org.openapitools.client.model.BasketRequest;
import org.openapitools.client.model.ChargeRequest;
import org.openapitools.client.model.InvalidProblem;
import org.openapitools.client.model.IssuedCoupon;
import org.openapitools.client.model.LedgerEntry;
import org.openapitools.client.model.LedgerEntryPage;
import org.openapitools.client.model.OrderConflict;
import org.openapitools.client.model.OutOfStockProblem;
import org.openapitools.client.model.PlacedOrder;

/** A purchase by openapi-generator's Java client; a refusal's body is read as the union its status has. */
class Purchase {
    private static final DateTimeFormatter RFC3339 = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSxxx");

    public static void main(String[] arguments) throws Exception {
        long coupon = Long.parseLong(arguments[2]);
        long product = Long.parseLong(arguments[3]);
        long scarce = Long.parseLong(arguments[4]);
        ApiClient client = new ApiClient();
        client.updateBaseUri(arguments[0]);
        client.setRequestInterceptor(request -> request.header("X-User-Id", arguments[1]));
        PointsApi points = new PointsApi(client);
        OrdersApi orders = new OrdersApi(client);
        ObjectMapper json = client.getObjectMapper();

        LedgerEntry charged = points.chargePoints(new ChargeRequest().amount(3_000_000_000L), null, null, null);
        IssuedCoupon issued = new CouponsApi(client).issueCoupon(coupon, null, null);
        BasketRequest wanted = basket(product, 2).issuedCouponId(issued.getId());
        long quoted = orders.quoteOrder(wanted, null, null).getTotal();
        PlacedOrder placed = orders.placeOrder(wanted, "openapi-generator-java-1", null, null);
        ApiResponse<PlacedOrder> again = orders.placeOrderWithHttpInfo(wanted, "openapi-generator-java-1", null, null);

        OrderConflict conflict = json.readValue(refusal(orders, basket(scarce, 9), 409), OrderConflict.class);
        OutOfStockProblem shortage = (OutOfStockProblem) conflict.getActualInstance();
        BadRequest bad = json.readValue(refusal(orders, basket(product, 0), 400), BadRequest.class);
        InvalidProblem invalid = (InvalidProblem) bad.getActualInstance();

        List<Long> pages = new ArrayList<>();
        String cursor = null;
        do {
            LedgerEntryPage page = points.listTransactions(cursor, 1, null, null);
            page.getResults().forEach(entry -> pages.add(entry.getAmount()));
            cursor = page.getNext() == null ? null : cursorOf(page.getNext());
        } while (cursor != null);

        Map<String, Object> told = new LinkedHashMap<>();
        told.put("charged", charged.getBalanceAfter());
        told.put("sequence", issued.getSequence());
        told.put("quoted", quoted);
        told.put("paid", placed.getTotal());
        told.put("ordered_at", RFC3339.format(placed.getOrderedAt().withOffsetSameInstant(java.time.ZoneOffset.ofHours(9))));
        told.put("replayed", again.getData().getId().equals(placed.getId())
                && again.getHeaders().get("idempotent-replayed").contains("true"));
        told.put("available", shortage.getShortages().get(0).getAvailable());
        told.put("invalid", invalid.getErrors().get(0).getPointer());
        told.put("pages", pages);
        told.put("best", new RankingsApi(client).getBestSellers(null, null).getResults().get(0).getUnitsSold());
        System.out.println(json.writeValueAsString(told));
    }

    private static BasketRequest basket(long product, int quantity) {
        return new BasketRequest().addItemsItem(new BasketLineRequest().productId(product).quantity(quantity));
    }

    private static String refusal(OrdersApi orders, BasketRequest basket, int status) {
        try {
            orders.placeOrder(basket, null, null, null);
        } catch (ApiException refused) {
            if (refused.getCode() == status) {
                return refused.getResponseBody();
            }
        }
        throw new AssertionError("not refused with " + status);
    }

    private static String cursorOf(URI next) {
        for (String parameter : next.getQuery().split("&")) {
            if (parameter.startsWith("cursor=")) {
                return parameter.substring("cursor=".length());
            }
        }
        throw new AssertionError(next);
    }
}
