package javax.annotation;

/** What openapi-generator marks its classes with; it left the JDK with Java 11. */
public @interface Generated {
    String[] value();

    String date() default "";

    String comments() default "";
}
